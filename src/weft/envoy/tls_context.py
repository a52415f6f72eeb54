"""What both ends of TLS have in common: versions, own certificates, and whom to believe."""

import ipaddress
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from google.protobuf.message import Message

from weft.base import protobuf
from weft.envoy.messages import discovered, milliseconds
from weft.envoy.names import IDENTITY_SECRET, ROOTS_SECRET
from weft.envoy.text_match import string_matcher
from weft.ir.values import SecretRef, Text, Tls

HIGHEST_VERSION: Final = "1.3"  # said explicitly: for clients Envoy's default is 1.2

_FILE: Final = "file:"
_KEY_SEPARATOR: Final = "~"
_SDS_SCHEMES: Final = {"secret": "kubernetes", "configmap": "configmap"}
_WAIT_FOR_CREDENTIAL: Final = 5_000
_CERTIFICATE_HASH: Final = re.compile(r"[0-9a-fA-F]{2}(:?[0-9a-fA-F]{2}){31}")


def tls_parameters(lowest: str, highest: str = HIGHEST_VERSION, tls: Tls | None = None) -> dict[str, Any]:
    """Returns TlsParameters for versions like `1.2` ("" leaves one to Envoy), with the ciphers and curves of `tls`."""
    return {
        "tls_minimum_protocol_version": _version(lowest),
        "tls_maximum_protocol_version": _version(highest),
        "cipher_suites": list(tls.ciphers) if tls else [],
        "ecdh_curves": list(tls.curves) if tls else [],
    }


def stated_parameters(tls: Tls) -> dict[str, Any]:
    """Returns TlsParameters as an author states them."""
    lowest, highest = tls.versions or ("", "")
    return tls_parameters(lowest, highest or HIGHEST_VERSION, tls)


def _version(version: str) -> str:
    return f"TLSv{version.replace('.', '_')}" if version else "TLS_AUTO"


def mesh_context(alpn: Sequence[str], peers: Iterable[Text], lowest: str) -> dict[str, Any]:
    """Returns a CommonTlsContext with the workload's own identity, for peers whose URI name is one of `peers`.

    Key and roots are discovered and replaced without touching listeners or clusters.
    """
    return {
        "tls_params": tls_parameters(lowest),
        "alpn_protocols": list(alpn),
        "tls_certificate_sds_secret_configs": [_identity(IDENTITY_SECRET)],
        "combined_validation_context": {
            "default_validation_context": {"match_typed_subject_alt_names": [_name("URI", peer) for peer in peers]},
            "validation_context_sds_secret_config": _identity(ROOTS_SECRET),
        },
    }


def identities_of(domains: Iterable[str]) -> list[Text]:
    """Returns matches for every identity of some trust domains."""
    return [("prefix", f"spiffe://{domain}/") for domain in domains]


def own_certificates(references: Sequence[SecretRef]) -> dict[str, Any]:
    """Returns the field of a CommonTlsContext that presents certificates.

    They are discovered, those in files of the proxy too: then a file that is missing costs its connections, not the
    whole listener or cluster.
    """
    return {"tls_certificate_sds_secret_configs": [_credential(secret_name(each)) for each in references]}


def peer_validation(tls: Tls) -> dict[str, Any]:
    """Returns the fields of a CommonTlsContext that check the peer's certificate.

    Without stated roots those of the proxy's system count. Nothing is checked where the author turned it off.
    """
    if not tls.verify:
        return {"validation_context": {"trust_chain_verification": "ACCEPT_UNTRUSTED"}}
    checks = {
        "match_typed_subject_alt_names": [m for name in tls.peer_names or () for m in _names(name)],
        "verify_certificate_spki": [pin for pin in tls.pins if not _CERTIFICATE_HASH.fullmatch(pin)],
        "verify_certificate_hash": [pin for pin in tls.pins if _CERTIFICATE_HASH.fullmatch(pin)],
        "crl": _file(tls.crl) if tls.crl else None,
    }
    if tls.roots is None:
        return {"validation_context": {**checks, "system_root_certs": {}}}
    discovery = _credential(secret_name(tls.roots))
    return {
        "combined_validation_context": {
            "default_validation_context": checks,
            "validation_context_sds_secret_config": discovery,
        }
    }


def dns_names(name: str) -> list[Message]:
    """Returns the match of certificates for one host."""
    return [_name("DNS", ("exact", name))]


def secret_name(reference: SecretRef) -> str:
    """Returns the name by which a secret is discovered: `secret:shop/cert` is `kubernetes://shop/cert`.

    Without a namespace (`secret:/cert`) it is one of the proxy's own: `kubernetes://cert`. An entry of it stays in the
    name: the roots in a secret (`secret:/cert#ca.crt`) are another resource than its certificate. Files are
    `file-cert:<chain>~<key>` and `file-root:<roots>` (Istio).
    """
    kind, _, rest = reference.partition(":")
    if is_file(reference):
        return f"{'file-cert' if _KEY_SEPARATOR in rest else 'file-root'}:{rest}"
    return f"{_SDS_SCHEMES.get(kind, kind)}://{rest.removeprefix('/')}"


def _identity(name: str) -> dict[str, Any]:
    return {"name": name, "sds_config": discovered()}


def _credential(name: str) -> dict[str, Any]:
    """A credential that does not exist must not keep the proxy from becoming ready: soon it goes on without."""
    source: Message = protobuf.new(
        "envoy.config.core.v3.ConfigSource",
        ads={},
        initial_fetch_timeout=milliseconds(_WAIT_FOR_CREDENTIAL),
        resource_api_version="V3",
    )
    return {"name": name, "sds_config": source}


def is_file(reference: SecretRef) -> bool:
    """Whether a reference is to files that the proxy reads itself."""
    return reference.startswith(_FILE)


def file_secret(reference: SecretRef) -> dict[str, Any]:
    """Returns the fields of the Secret that leads to files: `file:<chain>~<key>`, or `file:<roots>`."""
    chain, separator, key = reference.removeprefix(_FILE).partition(_KEY_SEPARATOR)
    if not separator:
        return {"validation_context": {"trusted_ca": {"filename": chain}}}
    return {"tls_certificate": {"certificate_chain": {"filename": chain}, "private_key": {"filename": key}}}


def _file(reference: SecretRef) -> dict[str, Any]:
    return {"filename": reference.removeprefix(_FILE)}


def _names(name: Text) -> Iterator[Message]:
    """Yields a matcher for each kind of name that a certificate may carry this one in."""
    if "://" in name[1]:
        yield _name("URI", name)
        return
    yield _name("DNS", name)
    if _is_address(name[1]):
        yield _name("IP_ADDRESS", name)


def _name(kind: str, name: Text) -> Message:
    full_name = "envoy.extensions.transport_sockets.tls.v3.SubjectAltNameMatcher"
    return protobuf.new(full_name, san_type=kind, matcher=string_matcher(name))


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
