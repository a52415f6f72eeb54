"""References to certificates and keys: in Kubernetes secrets by name, or in files of the proxy."""

import re
from typing import Final

from weft.dialects.istio.networking.context import Context
from weft.ir.values import SecretRef

ROOTS_SUFFIX: Final = "-cacert"
"""Ends the name of the Secret that holds the roots beside a credential (Istio, `credentialName`)."""

ROOTS_ENTRY: Final = "#ca.crt"
"""The roots in a Secret that is named for them (Istio, `caCertCredentialName`)."""

_PLAIN: Final = re.compile(r"[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?")
_SCHEMES: Final = ("kubernetes://", "kubernetes-gateway://")


def credential(name: str, path: str, context: Context, *, suffix: str = "") -> SecretRef | None:
    """A secret by its credential name, in the namespace of the proxy that uses it; None where it is of another store.

    `kubernetes-gateway://namespace/name` names the namespace. `suffix` is added to the secret's name.
    """
    text = next((name.removeprefix(scheme) for scheme in _SCHEMES if name.startswith(scheme)), name)
    namespace, _, plain = text.rpartition("/")
    if "://" in text:
        effect = "there is no certificate: connections fail"
        context.report.unsupported(path, effect=effect, advice="keep it in a Secret and give its name")
        return None
    if not _PLAIN.fullmatch(plain) or "/" in namespace:
        context.report.invalid(path, f"{name!r} is no name of a Secret")
    return f"secret:{namespace}/{plain}{suffix}"


def file_pair(certificate: str, key: str) -> SecretRef:
    """A certificate with its key, in two files of the proxy."""
    return f"file:{certificate}~{key}"


def file_secret(path: str) -> SecretRef | None:
    """A file of the proxy; None where none is given."""
    return f"file:{path}" if path else None
