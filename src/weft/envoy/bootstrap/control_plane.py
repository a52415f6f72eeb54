"""The way to the control plane: one stream, encrypted, authenticated by a token, that finds back by itself.

Envoy's own gRPC client carries it. Google's would refuse responses above 4 MB, never read its roots again, and leave
its sockets without a mark.
"""

import ipaddress
import json
from typing import Any, Final

from google.protobuf.message import Message

from weft.base import protobuf
from weft.envoy.bootstrap.settings import ControlPlane
from weft.envoy.cluster import CLUSTER
from weft.envoy.dns import dns_cluster
from weft.envoy.messages import address, extension, milliseconds, wrapped
from weft.envoy.names import ADS_CLUSTER, statistics_prefix
from weft.envoy.protocol_options import OPTIONS
from weft.envoy.tls_context import dns_names, tls_parameters

_TOKEN: Final = "token"
_ROOTS: Final = "root"
_CONNECT_TIMEOUT: Final = 5_000
_PING: Final = {"interval": 30_000, "timeout": 5_000}
_RETRY: Final = {"base_interval": 500, "max_interval": 5_000}
_TLS_VERSION: Final = "1.2"


def discovery() -> dict[str, Any]:
    """Returns the Bootstrap's dynamic_resources."""
    back_off = {name: milliseconds(value) for name, value in _RETRY.items()}
    client = {"cluster_name": ADS_CLUSTER, "retry_policy": {"retry_back_off": back_off}}
    source: dict[str, Any] = {"ads": {}, "initial_fetch_timeout": milliseconds(0), "resource_api_version": "V3"}
    return {
        "ads_config": {
            "api_type": "DELTA_GRPC",
            "transport_api_version": "V3",
            "set_node_on_first_message_only": True,
            "grpc_services": [{"envoy_grpc": client}],
        },
        "cds_config": source,
        "lds_config": source,
    }


def control_plane_cluster(source: ControlPlane) -> Message:
    """Returns the cluster that the stream goes through."""
    endpoint = {"endpoint": {"address": address(source.address, source.port)}}
    return protobuf.new(
        CLUSTER,
        name=ADS_CLUSTER,
        alt_stat_name=statistics_prefix(ADS_CLUSTER),
        connect_timeout=milliseconds(_CONNECT_TIMEOUT),
        load_assignment={"cluster_name": ADS_CLUSTER, "endpoints": [{"lb_endpoints": [endpoint]}]},
        transport_socket=_transport_socket(source),
        typed_extension_protocol_options={OPTIONS: protobuf.pack(_protocol_options(source))},
        upstream_connection_options={"tcp_keepalive": {"keepalive_time": wrapped(_PING["interval"] // 1000)}},
        **({"type": "STATIC"} if _is_address(source.address) else {"cluster_type": dns_cluster(one=False)}),
    )


def token_secret(token: str) -> str:
    """Returns the text of the file for `ControlPlane.token`; `token` is the path of the file that holds the token."""
    return _secret_file(_TOKEN, generic_secret={"secret": {"filename": token}})


def roots_secret(roots: str, directory: str) -> str:
    """Returns the text of the file for `ControlPlane.roots`; `roots` is the path of a file of PEM certificates."""
    trusted = {"trusted_ca": {"filename": roots}, "watched_directory": {"path": directory}}
    return _secret_file(_ROOTS, validation_context=trusted)


def _secret_file(name: str, **content: Any) -> str:
    secret = protobuf.new("envoy.extensions.transport_sockets.tls.v3.Secret", name=name, **content)
    response = protobuf.new("envoy.service.discovery.v3.DiscoveryResponse", resources=[protobuf.pack(secret)])
    return json.dumps(protobuf.to_dict(response))


def _protocol_options(source: ControlPlane) -> Message:
    injected = extension(
        "envoy.http.injected_credentials.generic",
        "envoy.extensions.http.injected_credentials.generic.v3.Generic",
        header="authorization",
        credential={"name": _TOKEN, "sds_config": _file(source.token, source)},
    )
    injector = "envoy.extensions.filters.http.credential_injector.v3.CredentialInjector"
    codec = "envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec"
    filters = [
        extension("envoy.filters.http.credential_injector", injector, overwrite=True, credential=injected),
        extension("envoy.filters.http.upstream_codec", codec),
    ]
    ping = {name: milliseconds(value) for name, value in _PING.items()}
    http2 = {"http2_protocol_options": {"connection_keepalive": ping}}
    return protobuf.new(OPTIONS, explicit_http_config=http2, http_filters=filters)


def _transport_socket(source: ControlPlane) -> dict[str, Any]:
    """Every workload has a certificate of the same roots: only the name tells the control plane from them."""
    validation = {
        "default_validation_context": {"match_typed_subject_alt_names": dns_names(source.server_name)},
        "validation_context_sds_secret_config": {"name": _ROOTS, "sds_config": _file(source.roots, source)},
    }
    context = {
        "tls_params": tls_parameters(_TLS_VERSION),
        "alpn_protocols": ["h2"],
        "combined_validation_context": validation,
    }
    full_name = "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"
    return extension("envoy.transport_sockets.tls", full_name, common_tls_context=context, sni=source.server_name)


def _file(path: str, source: ControlPlane) -> dict[str, Any]:
    watched = {"path": path, "watched_directory": {"path": source.directory}}
    return {"path_config_source": watched, "resource_api_version": "V3"}


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
