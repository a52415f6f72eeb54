"""What a real Envoy says of a configuration, and the secrets that it needs for that."""

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cryptography import x509
from tests.e2e.envoy.certificates import Authority

Json = dict[str, Any]

ENVOY = Path(sys.executable).parent / "envoy"


def refusal(folder: Path, document: Json) -> str | None:
    """Why Envoy does not take a bootstrap, or what it warns of; None if it takes it silently."""
    path = folder / "envoy.json"
    path.write_text(json.dumps(document))
    command = [str(ENVOY), "--mode", "validate", "-c", str(path), "-l", "warning"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50)
    return None if done.returncode == 0 and not done.stderr else done.stdout + done.stderr


def revocations(folder: Path) -> Path:
    """A list of revoked certificates. Envoy reads it as soon as it has resolved all names, so it must be there."""
    return Authority(folder, "revoking").revoke_nothing()


def secrets(folder: Path, credentials: Iterable[tuple[str, bool]]) -> list[Json]:
    """The identity and the roots of the mesh, and some credentials: (name, whether it is roots)."""
    authority = Authority(folder)
    found = [authority.issue("default", x509.DNSName("shop.example")), authority.roots("ROOTCA")]
    for name, is_root in credentials:
        found.append(authority.roots(name) if is_root else authority.issue(name, x509.DNSName("shop.example")))
    return found
