"""`proxy-config secrets`: certificates that Envoy holds, with what is public of them."""

import base64
import binascii
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from cryptography import x509
from msgspec import Struct

from weft.cli.proxy.dump import Json, Secret, typed

HEADER: Final = ("RESOURCE NAME", "TYPE", "STATUS", "VALID CERT", "SERIAL NUMBER", "NOT AFTER", "NOT BEFORE")

_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"


class _Source(Struct, frozen=True):
    inline_bytes: str = ""
    inline_string: str = ""
    filename: str = ""

    @property
    def pem(self) -> bytes:
        """The text, if Envoy was given it and not the name of a file."""
        try:
            return self.inline_string.encode() or base64.b64decode(self.inline_bytes, validate=True)
        except binascii.Error:
            return b""


class _Certificate(Struct, frozen=True):
    certificate_chain: _Source = _Source()


class _Validation(Struct, frozen=True):
    trusted_ca: _Source = _Source()


class _Secret(Struct, frozen=True):
    tls_certificate: _Certificate | None = None
    validation_context: _Validation | None = None
    generic_secret: Json | None = None


def resources(secrets: Iterable[Secret]) -> list[Json]:
    """The secrets as Envoy writes them: it leaves out private keys itself."""
    return [{"name": s.name, "status": s.status, "secret": s.resource} for s in secrets]


def rows(secrets: Iterable[Secret], now: datetime) -> list[tuple[str, ...]]:
    """One row a certificate chain (its first certificate) and one a root, valid or not at `now`. Raises DumpError."""
    return [row for secret in secrets for row in _rows(secret, now)]


def _rows(secret: Secret, now: datetime) -> Iterator[tuple[str, ...]]:
    content = typed(secret.resource, _Secret)
    if content.generic_secret is not None:
        yield secret.name, "Generic", secret.status, "-", "-", "-", "-"
        return
    kind, certificates = "Unknown", list[x509.Certificate]()
    if content.tls_certificate:
        kind, certificates = "Cert Chain", _read(content.tls_certificate.certificate_chain)[:1]
    elif content.validation_context:
        kind, certificates = "CA", _read(content.validation_context.trusted_ca)
    for certificate in certificates:
        begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        valid = "true" if begin <= now <= end else "false"
        serial = f"{certificate.serial_number:x}"
        yield secret.name, kind, secret.status, valid, serial, end.strftime(_TIME), begin.strftime(_TIME)
    if not certificates:
        yield secret.name, kind, secret.status, "false", "", "", ""


def _read(source: _Source) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(source.pem)
    except ValueError:
        return []
