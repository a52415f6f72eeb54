"""SPIFFE ids: who a workload is.

Rules are those of the SPIFFE ID standard (spiffe.io/docs/latest/spiffe-specs/spiffe-id, sections 2.1 to 2.4). The path
of a workload, `/ns/<namespace>/sa/<service account>`, is Istio's.
"""

import re
from typing import Final

from msgspec import Struct

_SCHEME: Final = "spiffe://"
_MAX_ID: Final = 2048
_MAX_TRUST_DOMAIN: Final = 255
_TRUST_DOMAIN: Final = re.compile(r"[a-z0-9._-]+")
_SEGMENT: Final = re.compile(r"[a-zA-Z0-9._-]+")


class SpiffeError(ValueError):
    """A text that is no SPIFFE id or trust domain; the message says which rule it breaks."""


class SpiffeId(Struct, frozen=True, order=True):
    """An identity. `path` is empty (the trust domain itself) or begins with a slash. Made by the functions below."""

    trust_domain: str
    path: str

    def __str__(self) -> str:
        return f"{_SCHEME}{self.trust_domain}{self.path}"

    @property
    def workload(self) -> tuple[str, str] | None:
        """Namespace and service account, or None where the path does not say them."""
        match self.path.split("/"):
            case ["", "ns", namespace, "sa", account]:
                return namespace, account
        return None


def check_trust_domain(name: str) -> str:
    """Returns the name of a trust domain unchanged; SpiffeError if it may not be one."""
    if not name or len(name) > _MAX_TRUST_DOMAIN or not _TRUST_DOMAIN.fullmatch(name):
        raise SpiffeError(
            f"{name[:_MAX_TRUST_DOMAIN]!r} is no trust domain: "
            f"use 1 to {_MAX_TRUST_DOMAIN} lower-case letters, digits, dots, dashes and underscores"
        )
    return name


def parse_spiffe_id(text: str) -> SpiffeId:
    """Returns the identity that a URI names; SpiffeError if it breaks a rule. The scheme may be of any case."""
    if len(text) > _MAX_ID:
        raise SpiffeError(f"a SPIFFE id has at most {_MAX_ID} bytes, this has {len(text)}")
    if not text.lower().startswith(_SCHEME):
        raise SpiffeError(f"{text!r} is no SPIFFE id: it must begin with {_SCHEME}")
    trust_domain, slash, path = text[len(_SCHEME) :].partition("/")
    return SpiffeId(check_trust_domain(trust_domain), _check_path(text, slash + path))


def workload_id(trust_domain: str, namespace: str, service_account: str) -> SpiffeId:
    """Returns the identity of the workloads that run as a service account; SpiffeError if a part is not allowed."""
    for part in (namespace, service_account):
        if "/" in part:
            raise SpiffeError(f"{part!r} may not contain a slash")
    return parse_spiffe_id(f"{_SCHEME}{trust_domain}/ns/{namespace}/sa/{service_account}")


def _check_path(text: str, path: str) -> str:
    for segment in path.split("/")[1:]:
        if segment in ("", ".", "..") or not _SEGMENT.fullmatch(segment):
            raise SpiffeError(
                f"{text!r} is no SPIFFE id: {segment!r} may not be part of its path "
                "(letters, digits, dots, dashes and underscores only; no empty part, '.' or '..')"
            )
    return path
