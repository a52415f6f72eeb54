"""TLS as a client."""

from types import MappingProxyType
from typing import Final, Literal

from weft.dialects.istio.networking.context import Context
from weft.dialects.istio.networking.credentials import ROOTS_SUFFIX, credential, file_pair, file_secret
from weft.dialects.istio.networking.texts import exact_texts
from weft.ir.values import SecretRef, Tls
from weft.model.istio_destination_rule import ClientTlsSettings

_MODES: Final = MappingProxyType[str, Literal["off", "one_way", "mutual", "mesh"]](
    {"DISABLE": "off", "SIMPLE": "one_way", "MUTUAL": "mutual", "ISTIO_MUTUAL": "mesh"}
)
_FILES: Final = ("client_certificate", "private_key", "ca_certificates", "ca_crl")
_SYSTEM: Final = "system"
"""The value of `caCertificates` that stands for the roots of the operating system, which are the default."""


def client_tls(settings: ClientTlsSettings | None, path: str, context: Context) -> Tls | None:
    """What a client does; None where nothing is stated.

    Without `sni` the request's host is sent; the mesh's own TLS names the service instead. Without roots those of the
    operating system count, as Istio verifies servers by default (VERIFY_CERTIFICATE_AT_CLIENT).
    """
    if settings is None:
        return None
    _check(settings, path, context)
    mode = _MODES[settings.mode]
    if mode == "off":
        return Tls("off")
    return Tls(
        mode=mode,
        certificates=_certificates(settings, path, context) if mode == "mutual" else (),
        roots=_roots(settings, path, context) if mode in ("one_way", "mutual") else None,
        crl=file_secret(settings.ca_crl),
        server_name=settings.sni or (None if mode == "mesh" else ""),
        peer_names=exact_texts(settings.subject_alt_names),
        verify=not settings.insecure_skip_verify,
    )


def _check(settings: ClientTlsSettings, path: str, context: Context) -> None:
    report = context.report
    files = [field for field in _FILES if getattr(settings, field)]
    if settings.mode == "ISTIO_MUTUAL" and (files or settings.credential_name):
        report.invalid(path, "ISTIO_MUTUAL uses the mesh's own certificates", "remove certificates and keys")
    if settings.credential_name and files and files != ["ca_crl"]:
        report.invalid(path, "credentialName and files of certificates exclude each other")
    given = settings.credential_name or (settings.client_certificate and settings.private_key)
    if settings.mode == "MUTUAL" and not given:
        report.invalid(path, "MUTUAL has no certificate", "give clientCertificate and privateKey, or credentialName")


def _certificates(settings: ClientTlsSettings, path: str, context: Context) -> tuple[SecretRef, ...]:
    if settings.credential_name:
        found = credential(settings.credential_name, f"{path}.credentialName", context)
        return (found,) if found is not None else ()
    return (file_pair(settings.client_certificate, settings.private_key),)


def _roots(settings: ClientTlsSettings, path: str, context: Context) -> SecretRef | None:
    if settings.credential_name:
        return credential(settings.credential_name, f"{path}.credentialName", context, suffix=ROOTS_SUFFIX)
    return None if settings.ca_certificates == _SYSTEM else file_secret(settings.ca_certificates)
