"""Secrets that authors name in gateways and traffic policies, as Envoy discovers them."""

from collections.abc import Iterable, Iterator
from typing import Any

from google.protobuf.message import Message

from weft.base import protobuf
from weft.envoy.tls_context import file_secret, is_file, secret_name
from weft.ir.values import SecretRef, Tls
from weft.ir.view import Credential


def secret(reference: SecretRef, content: Credential | None) -> Message | None:
    """Returns the Secret that a reference is discovered by; None where there is no content, and it leads to no file."""
    if is_file(reference):
        fields = file_secret(reference)
    elif content is not None:
        fields = _content(content)
    else:
        return None
    return protobuf.new("envoy.extensions.transport_sockets.tls.v3.Secret", name=secret_name(reference), **fields)


def _content(content: Credential) -> dict[str, Any]:
    if content.roots:
        return {"validation_context": {"trusted_ca": {"inline_bytes": content.roots}}}
    pair = {"certificate_chain": {"inline_bytes": content.certificate}, "private_key": {"inline_bytes": content.key}}
    return {"tls_certificate": pair}


def references(settings: Iterable[Tls | None]) -> Iterator[SecretRef]:
    """Yields the secrets that ends of TLS name, those in files of the proxy too."""
    for tls in settings:
        if tls is not None:
            yield from (*tls.certificates, *((tls.roots,) if tls.roots else ()))
