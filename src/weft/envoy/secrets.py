"""Secrets that authors name in gateways and traffic policies, as Envoy discovers them."""

from collections.abc import Iterable, Iterator

from google.protobuf.message import Message

from weft.base import protobuf
from weft.envoy.tls_context import secret_name
from weft.ir.values import SecretRef, Tls
from weft.ir.view import Credential

_FILE = "file:"


def secret(reference: SecretRef, content: Credential) -> Message:
    """Returns the Secret that a reference is discovered by."""
    name = secret_name(reference)
    if content.roots:
        return protobuf.new(
            "envoy.extensions.transport_sockets.tls.v3.Secret",
            name=name,
            validation_context={"trusted_ca": {"inline_bytes": content.roots}},
        )
    pair = {"certificate_chain": {"inline_bytes": content.certificate}, "private_key": {"inline_bytes": content.key}}
    return protobuf.new("envoy.extensions.transport_sockets.tls.v3.Secret", name=name, tls_certificate=pair)


def references(settings: Iterable[Tls | None]) -> Iterator[SecretRef]:
    """Yields the secrets that ends of TLS name; files of the proxy are not among them."""
    for tls in settings:
        if tls is not None:
            named = (*tls.certificates, *((tls.roots,) if tls.roots else ()))
            yield from (reference for reference in named if not reference.startswith(_FILE))
