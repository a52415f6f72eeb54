"""The files of the authority and of the token key: mode 0600, and whole or not there at all.

The authority is one file, so that a key and its certificate can't come from different times. Files that somebody else
could read are refused: what they hold may be known already.
"""

import contextlib
import os
import secrets
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec import Struct

from weft.identity.authority import Authority
from weft.identity.keys import generate_key, key_pem, load_key
from weft.identity.signer import (
    AuthorityError,
    Signer,
    SignerFiles,
    dump_signer,
    load_certificates,
    load_signer,
)

_READABLE_BY_OTHERS: Final = 0o077


class _SignerRecord(Struct, frozen=True):
    key: str
    certificate: str
    chain: str
    root: str


class _AuthorityRecord(Struct, frozen=True):
    trust_domain: str
    signer: _SignerRecord
    roots: str
    standby: _SignerRecord | None = None


def write_private(path: Path, content: bytes) -> None:
    """Puts a file of mode 0600 in place, all at once; what was there before stays if anything fails."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
        raise
    _sync_folder(path.parent)


def read_private(path: Path) -> bytes | None:
    """Returns a file's content, None where there is none; PermissionError where others could read or change it."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if mode & _READABLE_BY_OTHERS:
                raise PermissionError(f"{path} holds secrets and others can read it: chmod 600 {path}")
            return file.read()
    except FileNotFoundError:
        return None


def save_authority(path: Path, authority: Authority) -> None:
    """Writes the authority, its private keys among it."""
    record = _AuthorityRecord(
        trust_domain=authority.trust_domain,
        signer=_record(authority.signer),
        roots=authority.bundle.decode(),
        standby=_record(authority.standby) if authority.standby else None,
    )
    write_private(path, msgspec.json.encode(record))


def load_authority(path: Path, now: datetime) -> Authority | None:
    """Returns the authority that was saved, None where there is none; AuthorityError where it can't be used."""
    content = read_private(path)
    if content is None:
        return None
    try:
        record = msgspec.json.decode(content, type=_AuthorityRecord)
        return Authority(
            trust_domain=record.trust_domain,
            signer=_signer(record.signer, now),
            roots=load_certificates(record.roots.encode(), "roots"),
            standby=_signer(record.standby, now) if record.standby else None,
        )
    except (msgspec.DecodeError, AuthorityError) as error:
        raise AuthorityError(f"{path}: {error}") from error


def load_plugged_in(folder: Path, now: datetime) -> Signer:
    """Returns the signer of a folder with Istio's names: ca-key.pem, ca-cert.pem, cert-chain.pem and root-cert.pem.

    AuthorityError names the file that is missing or does not fit.
    """
    chain = folder / "cert-chain.pem"
    try:
        key = read_private(folder / "ca-key.pem")
        files = SignerFiles(
            ca_key=key or b"",
            ca_cert=(folder / "ca-cert.pem").read_bytes(),
            root_cert=(folder / "root-cert.pem").read_bytes(),
            cert_chain=chain.read_bytes() if chain.exists() else b"",
        )
    except FileNotFoundError as error:
        raise AuthorityError(f"{error.filename} is missing") from error
    try:
        return load_signer(files, now)
    except AuthorityError as error:
        raise AuthorityError(f"{folder}: {error}") from error


def load_or_create_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """Returns the key in a file; makes both where there is none. ValueError where it is not on P-256."""
    content = read_private(path)
    if content is None:
        key = generate_key()
        write_private(path, key_pem(key))
        return key
    loaded = load_key(content)
    if not isinstance(loaded, ec.EllipticCurvePrivateKey) or not isinstance(loaded.curve, ec.SECP256R1):
        raise ValueError(f"{path} must hold an ECDSA key on P-256; remove it to have one made")
    return loaded


def _record(signer: Signer) -> _SignerRecord:
    files = dump_signer(signer)
    return _SignerRecord(
        key=files.ca_key.decode(),
        certificate=files.ca_cert.decode(),
        chain=files.cert_chain.decode(),
        root=files.root_cert.decode(),
    )


def _signer(record: _SignerRecord, now: datetime) -> Signer:
    files = SignerFiles(
        ca_key=record.key.encode(),
        ca_cert=record.certificate.encode(),
        root_cert=record.root.encode(),
        cert_chain=record.chain.encode(),
    )
    return load_signer(files, now)


def _sync_folder(folder: Path) -> None:
    """Makes the rename last through a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
