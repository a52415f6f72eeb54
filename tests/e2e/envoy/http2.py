"""Parts of an Envoy that speak HTTP/2 on both sides of the proxy under test: Python's own library does not."""

from typing import Any

Json = dict[str, Any]

_TYPE = "type.googleapis.com/envoy.extensions"


def http2_app(address: str, port: int) -> Json:
    """Returns a Listener that takes HTTP/2 only, and says in `x-version` what it was spoken to in."""
    said = {"header": {"key": "x-version", "value": "%PROTOCOL%"}}
    peer = {"header": {"key": "x-peer", "value": "%REQ(x-forwarded-client-cert)%"}}
    route = {"match": {"prefix": "/"}, "direct_response": {"status": 200}, "response_headers_to_add": [said, peer]}
    return _listener("http2-app", address, port, route, "HTTP2")


def http2_client(port: int, destination: tuple[str, int]) -> Json:
    """Returns a Listener on loopback and its Cluster, by which what comes in by HTTP/1.1 is sent by HTTP/2."""
    name = f"http2-client-{port}"
    options = {
        "@type": f"{_TYPE}.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {"http2_protocol_options": {}},
    }
    socket = {"socket_address": {"address": destination[0], "port_value": destination[1]}}
    cluster = {
        "name": name,
        "type": "STATIC",
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options},
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": socket}}]}],
        },
    }
    route = {"match": {"prefix": "/"}, "route": {"cluster": name, "host_rewrite_literal": "app"}}
    return {"listeners": [_listener(name, "127.0.0.1", port, route, "HTTP1")], "clusters": [cluster]}


def _listener(name: str, address: str, port: int, route: Json, codec: str) -> Json:
    router = {"@type": f"{_TYPE}.filters.http.router.v3.Router"}
    manager = {
        "@type": f"{_TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": name,
        "codec_type": codec,
        "forward_client_cert_details": "ALWAYS_FORWARD_ONLY",
        "http_filters": [{"name": "router", "typed_config": router}],
        "route_config": {"virtual_hosts": [{"name": name, "domains": ["*"], "routes": [route]}]},
    }
    return {
        "name": name,
        "address": {"socket_address": {"address": address, "port_value": port}},
        "filter_chains": [{"filters": [{"name": "manager", "typed_config": manager}]}],
    }
