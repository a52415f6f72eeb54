"""Certificates, keys and roots that proxies are told by reference: from Secrets of the proxy's own namespace."""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct

from weft.base.issues import Ref
from weft.graph.tables import Derived
from weft.ir.values import SecretRef
from weft.ir.view import Credential
from weft.mesh.fragments import Objects
from weft.mesh.pem import chain_flaw, pair_flaw
from weft.model.kubernetes import Secret
from weft.model.objects import Object

_ROOTS_SUFFIX: Final = "-cacert"
_CERTIFICATE_KEYS: Final = ("tls.crt", "cert")
_PRIVATE_KEYS: Final = ("tls.key", "key")
_ROOT_KEYS: Final = ("ca.crt", "cacert")
"""Names of entries: those of `kubernetes.io/tls`, and of Istio's generic secrets (Gateway, `credentialName`)."""


class CredentialFlaw(Struct, frozen=True):
    """What is wrong with a Secret, by its name: the entry, and why proxies can't use that."""

    secret: str
    entry: str
    problem: str


class Credentials:
    """Secrets by namespace of the proxy and reference."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._found: Derived[tuple[str, SecretRef], Credential | CredentialFlaw | None] = Derived(
            objects.graph, "credential", self._find
        )

    def credential(self, namespace: str, reference: SecretRef) -> Credential | None:
        """What a reference leads to for proxies of a namespace; None if it is not there as a whole, or not theirs, or
        no proxy could use it."""
        found = self._found.get((namespace, reference))
        return found if isinstance(found, Credential) else None

    def flaw(self, namespace: str, reference: SecretRef) -> CredentialFlaw | None:
        """Why what a reference leads to can't be used; None if it can, or is not there."""
        found = self._found.get((namespace, reference))
        return found if isinstance(found, CredentialFlaw) else None

    def _find(self, key: tuple[str, SecretRef]) -> Credential | CredentialFlaw | None:
        namespace, reference = key
        kind, _, rest = reference.partition(":")
        owner, _, place = rest.partition("/")
        name, _, entry = place.partition("#")
        if kind != "secret" or owner not in ("", namespace):
            return None
        roots = bool(entry) or name.endswith(_ROOTS_SUFFIX)
        found = self._secret(namespace, name)
        if found is None and name.endswith(_ROOTS_SUFFIX):
            name = name.removesuffix(_ROOTS_SUFFIX)
            found = self._secret(namespace, name)
        if found is None:
            return None
        return _roots(name, found) if roots else _pair(name, found)

    def _secret(self, namespace: str, name: str) -> Secret | None:
        found: Object[Any] | object = self._objects.get(Ref("Secret", namespace, name))
        return found.spec if isinstance(found, Object) and isinstance(found.spec, Secret) else None


def _roots(name: str, secret: Secret) -> Credential | CredentialFlaw | None:
    entry, roots = _entry(secret, _ROOT_KEYS)
    if not roots:
        return None
    flaw = chain_flaw(roots)
    return CredentialFlaw(name, entry, flaw) if flaw else Credential(roots=roots)


def _pair(name: str, secret: Secret) -> Credential | CredentialFlaw | None:
    entry, certificate = _entry(secret, _CERTIFICATE_KEYS)
    private_entry, private = _entry(secret, _PRIVATE_KEYS)
    if not certificate or not private:
        return None
    flaw = pair_flaw(certificate, private)
    if flaw is None:
        return Credential(certificate=certificate, key=private)
    of_key, problem = flaw
    return CredentialFlaw(name, private_entry if of_key else entry, problem)


def _entry(secret: Secret, names: tuple[str, ...]) -> tuple[str, bytes]:
    """The name of an entry and what it holds; empty if there is none of these names."""
    for name in names:
        if name in secret.string_data:
            return name, secret.string_data[name].encode()
        if name in secret.data:
            return name, secret.data[name]
    return "", b""
