"""TLS as a server, of a Gateway's server and of a Sidecar's ingress listener."""

import re
from types import MappingProxyType
from typing import Final, Literal

from weft.dialects.istio.networking.context import Context
from weft.dialects.istio.networking.credentials import (
    ROOTS_ENTRY,
    ROOTS_SUFFIX,
    credential,
    file_pair,
    file_secret,
)
from weft.dialects.istio.networking.texts import exact_texts
from weft.ir.values import SecretRef, Tls
from weft.model import codes
from weft.model.istio_networking import ServerTlsSettings

Mode = Literal["one_way", "mutual", "mesh", "optional_mutual", "passthrough", "passthrough_mesh"]
_MODES: Final = MappingProxyType[str, Mode](
    {
        "PASSTHROUGH": "passthrough",
        "SIMPLE": "one_way",
        "MUTUAL": "mutual",
        "AUTO_PASSTHROUGH": "passthrough_mesh",
        "ISTIO_MUTUAL": "mesh",
        "OPTIONAL_MUTUAL": "optional_mutual",
    }
)
_VERSIONS: Final = MappingProxyType({"TLSV1_0": "1.0", "TLSV1_1": "1.1", "TLSV1_2": "1.2", "TLSV1_3": "1.3"})
_LOWEST, _HIGHEST = "1.2", "1.3"
"""What TLS_AUTO means for servers (Istio, ServerTLSSettings)."""

_MOST_CREDENTIALS: Final = 2
_TERMINATING: Final = ("one_way", "mutual", "optional_mutual")
_KEY_PIN: Final = re.compile(r"[A-Za-z0-9+/]{43}=")
_CERTIFICATE_PIN: Final = re.compile(r"(?i:[0-9a-f]{64}|[0-9a-f]{2}(?::[0-9a-f]{2}){31})")
_CIPHERS: Final = frozenset(
    {
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        "ECDHE-RSA-CHACHA20-POLY1305",
        "ECDHE-ECDSA-AES128-SHA",
        "ECDHE-RSA-AES128-SHA",
        "ECDHE-ECDSA-AES256-SHA",
        "ECDHE-RSA-AES256-SHA",
        "AES128-GCM-SHA256",
        "AES256-GCM-SHA384",
        "AES128-SHA",
        "AES256-SHA",
    }
)
_CURVES: Final = frozenset({"P-256", "P-384", "P-521", "X25519", "X25519MLKEM768"})
"""Names that the data plane knows (Envoy, `TlsParameters`); one that it doesn't would make it refuse the listener."""


def server_tls(settings: ServerTlsSettings, path: str, context: Context) -> Tls:
    """What a server does. Clients' certificates are asked for by the mutual modes only."""
    mode = _MODES[settings.mode]
    certificates = _certificates(settings, path, context)
    _check_use(settings, bool(certificates), path, context)
    return Tls(
        mode=mode,
        certificates=certificates if mode in _TERMINATING else (),
        roots=_roots(settings, path, context) if mode in ("mutual", "optional_mutual") else None,
        crl=file_secret(settings.ca_crl),
        pins=_pins(settings, path, context),
        peer_names=exact_texts(settings.subject_alt_names),
        verify=not settings.insecure_skip_verify,
        versions=_versions(settings, path, context),
        ciphers=_known(settings.cipher_suites, _CIPHERS, f"{path}.cipherSuites", context),
        curves=_known(settings.ecdh_curves, _CURVES, f"{path}.ecdhCurves", context),
    )


def _check_use(settings: ServerTlsSettings, has_certificates: bool, path: str, context: Context) -> None:
    mode = _MODES[settings.mode]
    if mode in _TERMINATING and not has_certificates:
        context.report.invalid(path, f"{settings.mode} has no certificate", "give credentialName")
    if mode == "mesh" and has_certificates:
        context.report.invalid(path, "ISTIO_MUTUAL uses the mesh's own certificates", "remove certificates and keys")
    if mode == "passthrough_mesh":
        message, effect = "AUTO_PASSTHROUGH is not supported yet", "connections are closed: networks are not connected"
        context.report.warning(codes.UNSUPPORTED, f"{path}.mode", message, effect=effect)
    if mode in ("passthrough", "passthrough_mesh") and has_certificates:
        context.report.ineffective(
            path, f"{settings.mode} opens nothing", effect="the certificates are not used", advice="give another mode"
        )


def _certificates(settings: ServerTlsSettings, path: str, context: Context) -> tuple[SecretRef, ...]:
    """Certificates in the order given; several are for different kinds of keys, or for different names."""
    names = settings.credential_names or ((settings.credential_name,) if settings.credential_name else ())
    files = [(each.server_certificate, each.private_key) for each in settings.tls_certificates]
    if settings.server_certificate or settings.private_key:
        files.insert(0, (settings.server_certificate, settings.private_key))
    _check_sources(settings, files, path, context)
    secrets = (credential(name, f"{path}.credentialName", context) for name in names)
    return (
        *(secret for secret in secrets if secret is not None),
        *(file_pair(certificate, key) for certificate, key in files),
    )


def _check_sources(settings: ServerTlsSettings, files: list[tuple[str, str]], path: str, context: Context) -> None:
    report = context.report
    if settings.credential_name and settings.credential_names:
        report.invalid(path, "credentialName and credentialNames exclude each other")
    if len(settings.credential_names) > _MOST_CREDENTIALS:
        report.invalid(f"{path}.credentialNames", "there may be two, one with an RSA and one with an EC key")
    if files and (settings.credential_name or settings.credential_names):
        report.invalid(path, "credentials and files of certificates exclude each other")
    if any(not certificate or not key for certificate, key in files):
        report.invalid(path, "a certificate and its private key belong together")


def _roots(settings: ServerTlsSettings, path: str, context: Context) -> SecretRef | None:
    """Roots that sign clients: a Secret of their own, that of the first credential, or a file."""
    if settings.ca_cert_credential_name:
        at = f"{path}.caCertCredentialName"
        return credential(settings.ca_cert_credential_name, at, context, suffix=ROOTS_ENTRY)
    first = settings.credential_name or next(iter(settings.credential_names), "")
    if first:
        return credential(first, f"{path}.credentialName", context, suffix=ROOTS_SUFFIX)
    if not settings.ca_certificates:
        context.report.invalid(path, f"{settings.mode} has no roots to verify clients by", "give caCertificates")
    return file_secret(settings.ca_certificates)


def _versions(settings: ServerTlsSettings, path: str, context: Context) -> tuple[str, str] | None:
    lowest = _VERSIONS.get(settings.min_protocol_version)
    highest = _VERSIONS.get(settings.max_protocol_version)
    if lowest is None and highest is None:
        return None
    versions = (lowest or min(_LOWEST, highest or _LOWEST), highest or _HIGHEST)
    if versions[0] > versions[1]:
        context.report.invalid(f"{path}.minProtocolVersion", "it is above maxProtocolVersion")
    return versions


def _pins(settings: ServerTlsSettings, path: str, context: Context) -> tuple[str, ...]:
    """SHA-256 of clients' public keys (base64) and certificates (hexadecimal); the form tells which."""
    for index, pin in enumerate(settings.verify_certificate_spki):
        if not _KEY_PIN.fullmatch(pin):
            context.report.invalid(f"{path}.verifyCertificateSpki[{index}]", f"{pin!r} is no SHA-256 in base64")
    for index, pin in enumerate(settings.verify_certificate_hash):
        if not _CERTIFICATE_PIN.fullmatch(pin):
            context.report.invalid(f"{path}.verifyCertificateHash[{index}]", f"{pin!r} is no SHA-256 in hexadecimal")
    return (*settings.verify_certificate_spki, *settings.verify_certificate_hash)


def _known(names: tuple[str, ...], known: frozenset[str], path: str, context: Context) -> tuple[str, ...]:
    """The known ones of some names, each once; Istio leaves out others as well."""
    for index, name in enumerate(names):
        if name not in known:
            at = f"{path}[{index}]"
            context.report.ineffective(at, f"{name!r} is not known to the data plane", effect="it is left out")
    return tuple(name for name in dict.fromkeys(names) if name in known)
