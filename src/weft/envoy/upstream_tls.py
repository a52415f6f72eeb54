"""The client's end of TLS: towards workloads of the mesh, and towards servers outside as an author asks."""

from functools import cache
from typing import Any, Final

from google.protobuf.message import Message

from weft.base import protobuf
from weft.envoy.messages import extension, wrapped
from weft.envoy.names import local_domains
from weft.envoy.protocol_options import Codec
from weft.envoy.socket_match import (
    MESH_MODE,
    MESH_SOCKET,
    MESH_STREAM_SOCKET,
    MODE_KEY,
    PLAIN_SOCKET,
    by_content,
)
from weft.envoy.tls_context import (
    identities_of,
    mesh_context,
    own_certificates,
    peer_validation,
    stated_parameters,
)
from weft.ir.identities import identity_spellings
from weft.ir.settings import MeshSettings
from weft.ir.values import Text, Tls
from weft.ir.view import Cluster

_SOCKET: Final = "envoy.transport_sockets.tls"
_CONTEXT: Final = "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"

_SESSIONS: Final = 32
"""Sessions that connections of a cluster can resume at the same time: each counts once (RFC 8446, C.4), and a resumed
handshake has no signatures. Envoy keeps 1. All are forgotten when a certificate or the roots are replaced."""

# A permissive server tells TLS of the mesh from an application's own by the first names, and HTTP from bytes (Istio's
# inbound chains). The last one is what both ends then agree on. Where a client's version is kept there is no last one:
# none is agreed on, and the server recognises HTTP/2 by its preface. Bytes never offer `istio-peer-exchange`: a server
# that picks it sends a header of its own first.
_MESH_ALPN: Final[dict[Codec, tuple[str, ...]]] = {
    "http1": ("istio-http/1.1", "istio", "http/1.1"),
    "http2": ("istio-h2", "istio", "h2"),
    "negotiated": ("istio-h2", "istio-http/1.1", "istio", "h2", "http/1.1"),
    "as_client": ("istio-http/1.1", "istio-h2"),
    "none": ("istio",),
}
_OWN_ALPN: Final[dict[Codec, tuple[str, ...]]] = {
    "http1": ("http/1.1",),
    "http2": ("h2",),
    "negotiated": ("h2", "http/1.1"),
    "as_client": (),  # Envoy then offers the version that it uses
    "none": (),
}


def transport_sockets(cluster: Cluster, version: Codec, settings: MeshSettings) -> dict[str, Any]:
    """Returns the fields of an Envoy Cluster that say how its connections are secured."""
    own = cluster.settings.tls
    if cluster.mesh_tls == "never":
        if own is None or own.mode == "off":
            return _single(cluster, None)
        return _single(cluster, _own_socket(cluster, own, version))
    if version == "as_client":
        matcher = by_content(by_endpoint=cluster.mesh_tls == "by_endpoint")
        return {"transport_socket_matches": _choices(cluster, version, settings), "transport_socket_matcher": matcher}
    if cluster.mesh_tls == "always":
        return _single(cluster, _mesh_socket(cluster, version, settings))
    return {"transport_socket_matches": _choices(cluster, version, settings)}


def _choices(cluster: Cluster, version: Codec, settings: MeshSettings) -> list[dict[str, Any]]:
    mesh = {MODE_KEY: MESH_MODE}
    choices = [(MESH_SOCKET, mesh, _mesh_socket(cluster, version, settings))]
    if version == "as_client":
        choices.append((MESH_STREAM_SOCKET, mesh, _mesh_socket(cluster, "none", settings)))
    if cluster.mesh_tls == "by_endpoint":
        choices.append((PLAIN_SOCKET, {}, raw_socket()))
    return [
        {"name": name, "match": match, "transport_socket": _wrapped(cluster, socket)} for name, match, socket in choices
    ]


@cache
def raw_socket() -> dict[str, Any]:
    """Returns the transport socket without TLS."""
    return extension("envoy.transport_sockets.raw_buffer", "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer")


def names_host(cluster: Cluster, version: Codec) -> bool:
    """Whether the server name of TLS is taken from each request (Istio: own TLS to an HTTP port, no name stated)."""
    own = cluster.settings.tls
    return _is_own(own) and version != "none" and not (own and own.server_name)


def verifies_host(cluster: Cluster) -> bool:
    """Whether the certificate must carry the server name: nobody states other names, or turns checking off (Istio)."""
    own = cluster.settings.tls
    return own is not None and _is_own(own) and own.verify and not own.peer_names


def _is_own(tls: Tls | None) -> bool:
    return tls is not None and tls.mode in ("one_way", "mutual")


def _mesh_socket(cluster: Cluster, version: Codec, settings: MeshSettings) -> dict[str, Any]:
    tls = cluster.settings.tls
    context = mesh_context(_MESH_ALPN[version], _peers(cluster, settings), settings.lowest_tls)
    sni = (tls.server_name if tls else None) or cluster.server_name
    sessions = wrapped(_SESSIONS)
    return extension(_SOCKET, _CONTEXT, common_tls_context=context, sni=sni, max_session_keys=sessions)


def _peers(cluster: Cluster, settings: MeshSettings) -> list[Text]:
    """The identities that the endpoints may prove (I4); where nobody knows any, every one of the own domain.

    An endpoint may still have its identity under an alias of the domain, as long as the domain is being renamed.
    """
    tls = cluster.settings.tls
    if tls is not None and tls.peer_names:
        return list(tls.peer_names)
    domains = local_domains(settings)
    known = (text for peer in cluster.peers for text in identity_spellings(("exact", peer), domains))
    return list(known) or identities_of(domains)


def _own_socket(cluster: Cluster, tls: Tls, version: Codec) -> dict[str, Any]:
    context = {
        "tls_params": stated_parameters(tls),
        "alpn_protocols": list(_OWN_ALPN[version]),
        **peer_validation(tls),
        **(own_certificates(tls.certificates) if tls.mode == "mutual" else {}),
    }
    sni = "" if names_host(cluster, version) else _fixed_name(cluster, tls)
    verify = bool(sni) and verifies_host(cluster)
    return extension(_SOCKET, _CONTEXT, common_tls_context=context, sni=sni, auto_sni_san_validation=verify)


def _fixed_name(cluster: Cluster, tls: Tls) -> str:
    return tls.server_name or ("" if "*" in cluster.host else cluster.host)


def _single(cluster: Cluster, socket: dict[str, Any] | None) -> dict[str, Any]:
    if socket is None and cluster.settings.proxy_header is None:
        return {}
    return {"transport_socket": _wrapped(cluster, socket or raw_socket())}


def _wrapped(cluster: Cluster, socket: dict[str, Any]) -> dict[str, Any]:
    """Sends the PROXY protocol's header before anything else, where an author asks for it."""
    version = cluster.settings.proxy_header
    if version is None:
        return socket
    inner: Message = protobuf.new("envoy.config.core.v3.TransportSocket", **socket)
    return extension(
        "envoy.transport_sockets.upstream_proxy_protocol",
        "envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport",
        config={"version": f"V{version}"},
        transport_socket=inner,
    )
