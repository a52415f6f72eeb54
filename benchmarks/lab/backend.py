"""The server that loads are sent to: quick enough that proxies are what is measured.

HTTP/1.1, HTTP/2 and bytes are answered by an Envoy of its own with direct responses, gRPC by nghttpd, which answers a
call with headers, one message and trailers, as servers of gRPC do.
"""

import json
from pathlib import Path
from typing import Any, Final

from benchmarks.lab.load import LARGE_BODY, grpc_message

HTTP_PORTS: Final = (8080, 8082, 7000)
GRPC_PORT: Final = 9090
PORTS: Final = (*HTTP_PORTS, GRPC_PORT)

_SMALL_BODY: Final = 1024
_METHOD: Final = "bench.Echo/Say"
_MANAGER: Final = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
_ROUTER: Final = "envoy.extensions.filters.http.router.v3.Router"


def write_backend(folder: Path) -> None:
    """Writes what the two programs read: `backend.json`, and the folder `grpc` with the answer of a call."""
    (folder / "backend.json").write_text(json.dumps(_configuration()))
    answer = folder / "grpc" / _METHOD
    answer.parent.mkdir(parents=True)
    answer.write_bytes(grpc_message(b"b" * 16))


def envoy_command(envoy: Path, folder: Path) -> list[str]:
    """Returns the command of the first program."""
    return [str(envoy), "-c", str(folder / "backend.json"), *envoy_options()]


def grpc_command(folder: Path) -> list[str]:
    """Returns the command of the second program."""
    options = ["--no-tls", "--htdocs", str(folder / "grpc"), "--trailer", "grpc-status: 0"]
    return ["nghttpd", *options, "--max-concurrent-streams", "1000", str(GRPC_PORT)]


def envoy_options(concurrency: int = 1) -> list[str]:
    """Returns what all Envoys of the benchmark that are none of the mesh are started with."""
    return ["--disable-hot-restart", "--concurrency", str(concurrency), "--log-level", "error"]


def _configuration() -> dict[str, Any]:
    return {
        "static_resources": {"listeners": [_listener(port) for port in HTTP_PORTS]},
        "layered_runtime": {
            "layers": [{"name": "no limit", "static_layer": {"overload.global_downstream_max_connections": 1_000_000}}]
        },
    }


def _listener(port: int) -> dict[str, Any]:
    routes = [_route({"path": "/large"}, LARGE_BODY), _route({"prefix": "/"}, _SMALL_BODY)]
    table = {
        "max_direct_response_body_size_bytes": LARGE_BODY,
        "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}],
    }
    manager = {
        "@type": f"type.googleapis.com/{_MANAGER}",
        "stat_prefix": f"port_{port}",
        "codec_type": "AUTO",
        "route_config": table,
        "http_filters": [{"name": "router", "typed_config": {"@type": f"type.googleapis.com/{_ROUTER}"}}],
    }
    return {
        "address": {"socket_address": {"address": "0.0.0.0", "port_value": port}},
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }


def _route(match: dict[str, str], size: int) -> dict[str, Any]:
    return {"match": match, "direct_response": {"status": 200, "body": {"inline_string": "c" * size}}}
