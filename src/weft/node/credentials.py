"""The credentials of a pod's Envoy on disk, swapped all at once as Kubernetes does for projected volumes.

The files are links to `..data/<name>`, and `..data` is a link to a folder that holds one generation: renaming a new
link over `..data` changes all files in one step, and is the one event that Envoy's `watched_directory` waits for.
"""

import contextlib
import json
import os
import shutil
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from weft.model.local import (
    CREDENTIALS_FOLDER,
    ROOT_SECRET_FILE,
    TOKEN_SECRET_FILE,
    Credentials,
)
from weft.node.state import PodFolder, read_record, write_record

_DATA: Final = "..data"
_TLS: Final = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"
_RENEWED_AT: Final = 0.8
"""The part of their life after which the kubelet renews tokens
(https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#launch-a-pod-using-service-account-token-projection)."""
_SPREAD: Final = 0.1


class CredentialsRecord(Struct, frozen=True):
    """What is known of the credentials that are on disk, nothing of it secret; times in Unix seconds."""

    issued: float
    expires: float
    trust_revision: int


def renewal_time(record: CredentialsRecord, chance: float) -> float:
    """When to ask for new ones: at 80 % of their life, or up to 10 % of it earlier, as `chance` (0 to 1) says."""
    return record.issued + (record.expires - record.issued) * (_RENEWED_AT - _SPREAD * chance)


def stored_credentials(folder: PodFolder) -> CredentialsRecord | None:
    """What is known of the credentials of a pod, None if it has none."""
    if not (folder.proxy / TOKEN_SECRET_FILE).exists():
        return None
    return read_record(folder.credentials_record, CredentialsRecord)


def store_credentials(
    folder: PodFolder, credentials: Credentials, record: CredentialsRecord, owner: int | None
) -> None:
    """Swaps the credentials of a pod, readable for its Envoy (`owner`; None is ourselves) alone.

    Token and root stand in the secrets themselves: a file of their own costs Envoy an instance of inotify each, of
    which Linux allows a user 128 (inotify(7)).
    """
    token, root = ({"inline_string": text} for text in (credentials.token.strip(), credentials.root))
    files = {
        TOKEN_SECRET_FILE: _secret("token", {"generic_secret": {"secret": token}}),
        ROOT_SECRET_FILE: _secret("root", {"validation_context": {"trusted_ca": root}}),
    }
    place = folder.proxy / CREDENTIALS_FOLDER
    place.mkdir(mode=0o700, exist_ok=True)
    _give(place, owner)
    swap_files(place, {Path(name).name: text for name, text in files.items()}, owner)
    write_record(folder.credentials_record, record)


def swap_files(place: Path, files: dict[str, str], owner: int | None) -> None:
    """Replaces all files of a folder in one step, mode 0600 and owned by `owner`; former generations are removed."""
    former = [path for path in place.iterdir() if path.name.startswith("..") and path.name != _DATA]
    generation = place / _new_name(place)
    generation.mkdir(mode=0o700)
    for name, text in files.items():
        descriptor = os.open(generation / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(descriptor, "w") as file:
            file.write(text)
        _give(generation / name, owner)
    _give(generation, owner)
    _link(place, _DATA, generation.name)
    for name in files:
        if not (place / name).is_symlink():
            _link(place, name, f"{_DATA}/{name}")
    for path in former:
        shutil.rmtree(path, ignore_errors=True)


def _give(path: Path, owner: int | None) -> None:
    if owner is not None:
        os.chown(path, owner, owner)


def _new_name(place: Path) -> str:
    """A name for the next generation; numbers go up, so that no path ever means two generations."""
    numbers = [0]
    for path in place.glob("..[0-9]*"):
        with contextlib.suppress(ValueError):
            numbers.append(int(path.name[2:]))
    return f"..{max(numbers) + 1}"


def _link(place: Path, name: str, target: str) -> None:
    """Makes a link to take the place of what has the name, in one step."""
    new = place / "..new"
    new.unlink(missing_ok=True)
    new.symlink_to(target)
    new.replace(place / name)


def _secret(name: str, value: dict[str, Any]) -> str:
    """A file of Envoy's SDS with one secret; JSON is YAML."""
    return json.dumps({"resources": [{"@type": _TLS, "name": name, **value}]})
