"""The server's end of TLS: a workload's own proxy, and gateways."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from weft.envoy.messages import extension
from weft.envoy.tls_context import (
    identities_of,
    mesh_context,
    own_certificates,
    peer_validation,
    stated_parameters,
)
from weft.ir.values import Text, Tls

HTTP_ALPN: Final = ("h2", "http/1.1")
HTTP1_ALPN: Final = ("http/1.1",)

_SOCKET: Final = "envoy.transport_sockets.tls"
_CONTEXT: Final = "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"


def mesh_server_socket(peers: Iterable[Text], lowest: str, *, alpn: Sequence[str]) -> dict[str, Any]:
    """Returns the transport socket of a server in the mesh, for clients that prove one of the identities `peers`.

    `istio-peer-exchange` is never agreed on: a client that offers it would then send a header that Envoy passes on to
    the application.
    """
    context = mesh_context(alpn, peers, lowest)
    return extension(_SOCKET, _CONTEXT, common_tls_context=context, require_client_certificate={"value": True})


def gateway_socket(tls: Tls, *, trust_domains: Iterable[str], lowest: str, http: bool) -> dict[str, Any] | None:
    """Returns the transport socket of a gateway's server; None where TLS is passed on untouched.

    `lowest` is the lowest version between workloads, `http` says whether HTTP is spoken inside.
    """
    alpn = HTTP_ALPN if http else ()
    match tls.mode:
        case "mesh":
            return mesh_server_socket(tls.peer_names or identities_of(trust_domains), lowest, alpn=alpn)
        case "one_way" | "mutual" | "optional_mutual":
            return _own_socket(tls, alpn)
    return None


def _own_socket(tls: Tls, alpn: Sequence[str]) -> dict[str, Any]:
    context = {
        "tls_params": stated_parameters(tls),
        "alpn_protocols": list(alpn),
        **own_certificates(tls.certificates),
        **({} if tls.mode == "one_way" else peer_validation(tls)),
    }
    required = {"value": tls.mode == "mutual"}
    return extension(_SOCKET, _CONTEXT, common_tls_context=context, require_client_certificate=required)
