"""Certificates, keys and roots that proxies are told by reference: from Secrets of the proxy's own namespace."""

from __future__ import annotations

from typing import Any, Final

from weft.base.issues import Ref
from weft.graph.tables import Derived
from weft.ir.values import SecretRef
from weft.ir.view import Credential
from weft.mesh.fragments import Objects
from weft.model.kubernetes import Secret
from weft.model.objects import Object

_ROOTS_SUFFIX: Final = "-cacert"
_CERTIFICATE_KEYS: Final = ("tls.crt", "cert")
_PRIVATE_KEYS: Final = ("tls.key", "key")
_ROOT_KEYS: Final = ("ca.crt", "cacert")
"""Names of entries: those of `kubernetes.io/tls`, and of Istio's generic secrets (Gateway, `credentialName`)."""


class Credentials:
    """Secrets by namespace of the proxy and reference."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._found: Derived[tuple[str, SecretRef], Credential | None] = Derived(
            objects.graph, "credential", self._find
        )

    def credential(self, namespace: str, reference: SecretRef) -> Credential | None:
        """What a reference leads to for proxies of a namespace; None if it is not there as a whole, or not theirs."""
        return self._found.get((namespace, reference))

    def _find(self, key: tuple[str, SecretRef]) -> Credential | None:
        namespace, reference = key
        kind, _, rest = reference.partition(":")
        owner, _, place = rest.partition("/")
        name, _, entry = place.partition("#")
        if kind != "secret" or owner not in ("", namespace):
            return None
        found = self._secret(namespace, name)
        if found is None and name.endswith(_ROOTS_SUFFIX):
            found = self._secret(namespace, name.removesuffix(_ROOTS_SUFFIX))
        if found is None:
            return None
        if entry or name.endswith(_ROOTS_SUFFIX):
            roots = _entry(found, _ROOT_KEYS)
            return Credential(roots=roots) if roots else None
        certificate, private = _entry(found, _CERTIFICATE_KEYS), _entry(found, _PRIVATE_KEYS)
        return Credential(certificate=certificate, key=private) if certificate and private else None

    def _secret(self, namespace: str, name: str) -> Secret | None:
        found: Object[Any] | object = self._objects.get(Ref("Secret", namespace, name))
        return found.spec if isinstance(found, Object) and isinstance(found.spec, Secret) else None


def _entry(secret: Secret, names: tuple[str, ...]) -> bytes:
    for name in names:
        if name in secret.string_data:
            return secret.string_data[name].encode()
        if name in secret.data:
            return secret.data[name]
    return b""
