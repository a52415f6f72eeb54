"""A real Envoy that serves every case at once: requests name theirs in a header, bytes by a port of their own."""

import http.client
import json
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct
from tests.e2e.authorization.certificates import Authority

from weft.base import protobuf
from weft.envoy.messages import address, extension
from weft.envoy.rbac.http import access_filters, route_access
from weft.envoy.rbac.names import CLOSED_BY, HTTP_AUDITED_BY, NETWORK_AUDITED_BY, closed_by
from weft.envoy.rbac.network import access_network_filters
from weft.ir.access import Authorization

CASE_HEADER = "x-case"
NUMBER_HEADER = "x-number"
HTTP_PLACES = (("127.0.0.1", 8080), ("127.0.0.2", 9090))
FIRST_BYTES_PORT = 12_000
PATIENCE = 20.0

_EXTENSIONS = "envoy.extensions"
_LOGGED = {
    "number": f"%REQ({NUMBER_HEADER})%",
    "details": "%RESPONSE_CODE_DETAILS%",
    "closed_by": CLOSED_BY,
    "audited_by": HTTP_AUDITED_BY,
    "dry_deny": "%DYNAMIC_METADATA(envoy.filters.http.rbac:istio_dry_run_deny_shadow_engine_result)%",
    "dry_allow": "%DYNAMIC_METADATA(envoy.filters.http.rbac:istio_dry_run_allow_shadow_engine_result)%",
}
_LOGGED_BYTES = {
    "port": "%DOWNSTREAM_LOCAL_PORT%",
    "details": "%CONNECTION_TERMINATION_DETAILS%",
    "audited_by": NETWORK_AUDITED_BY,
}

Policies = Sequence[tuple[Authorization, ...]]


class Connection(Struct, frozen=True, kw_only=True):
    """How a client connects. `certificate` None with `tls` sends no certificate."""

    tls: bool
    certificate: Path | None = None
    server_name: str | None = None
    from_address: str = "127.0.0.1"
    to: tuple[str, int] = HTTP_PLACES[0]


class Proxy:
    """A running Envoy; used inside its network only."""

    def __init__(self, folder: Path, authority: Authority) -> None:
        self.folder = folder
        self.authority = authority

    def open(self, connection: Connection) -> socket.socket:
        """A connected socket, TLS done."""
        raw = socket.create_connection(connection.to, timeout=PATIENCE, source_address=(connection.from_address, 0))
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not connection.tls:
            return raw
        context = ssl.create_default_context(cafile=str(self.authority.root))
        context.check_hostname = False
        if connection.certificate:
            context.load_cert_chain(connection.certificate)
        return context.wrap_socket(raw, server_hostname=connection.server_name)

    def requests(
        self, connection: Connection, requests: Sequence[tuple[str, str, Sequence[tuple[str, str]]]]
    ) -> list[int]:
        """The status of each request (method, path, headers), sent one after another on one connection."""
        client = http.client.HTTPConnection(*connection.to, timeout=PATIENCE)
        client.sock = self.open(connection)
        try:
            return [_exchange(client, *request) for request in requests]
        finally:
            client.close()

    def echoes(self, connection: Connection) -> bool:
        """Whether bytes come back."""
        with self.open(connection) as client:
            client.sendall(b"hello")
            try:
                return client.recv(5) == b"hello"
            except ConnectionResetError:
                return False

    def logged(self, name: str, count: int) -> list[dict[str, Any]]:
        """The entries of an access log, once there are so many."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            lines = (self.folder / name).read_text().splitlines()
            if len(lines) >= count:
                return [json.loads(line) for line in lines]
            time.sleep(0.05)
        raise TimeoutError(f"{name} has less than {count} entries")


def _exchange(client: http.client.HTTPConnection, method: str, path: str, headers: Sequence[tuple[str, str]]) -> int:
    client.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    for name, value in headers:
        client.putheader(name, value)
    client.endheaders()
    response = client.getresponse()
    response.read()
    return response.status


@contextmanager
def running_proxy(
    folder: Path, *, policies: Policies, byte_policies: Policies, domains: tuple[str, ...], inside: Callable[..., Any]
) -> Iterator[Proxy]:
    """Starts Envoy inside a network, waits until it listens, and stops it in the end."""
    authority = Authority(folder / "mesh", "mesh")
    server = authority.issue("server", "spiffe://td.example/ns/shop/sa/server")
    listeners = [_http_listener(folder, policies, domains, (server, authority.root))]
    listeners += [
        _bytes_listener(folder, FIRST_BYTES_PORT + number, each, domains, (server, authority.root))
        for number, each in enumerate(byte_policies)
    ]
    bootstrap = protobuf.new(
        "envoy.config.bootstrap.v3.Bootstrap",
        node={"id": "test", "cluster": "test"},
        static_resources={"listeners": listeners},
        layered_runtime={
            "layers": [
                {"name": "static", "static_layer": protobuf.struct({"re2.max_program_size.error_level": 32_768})}
            ]
        },
    )
    path = folder / "bootstrap.pb"
    path.write_bytes(protobuf.serialize(bootstrap))
    process = inside(lambda: _start(path))
    try:
        inside(lambda: _wait(process, folder))
        yield Proxy(folder, authority)
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _start(bootstrap: Path) -> "subprocess.Popen[bytes]":
    envoy = shutil.which("envoy", path=str(Path(sys.executable).parent)) or "envoy"
    options = (
        "--disable-hot-restart",
        "--concurrency",
        "1",
        "--log-level",
        "warning",
        "--file-flush-interval-msec",
        "20",
    )
    with (bootstrap.parent / "envoy.log").open("wb") as log:
        return subprocess.Popen([envoy, "-c", str(bootstrap), *options], stdout=log, stderr=log)


def _wait(process: "subprocess.Popen[bytes]", folder: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(HTTP_PLACES[0], timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    process.kill()
    raise RuntimeError((folder / "envoy.log").read_text())


def _http_listener(folder: Path, policies: Policies, domains: tuple[str, ...], files: tuple[Path, Path]) -> Any:
    routes = [
        {
            "match": {"prefix": "/", "headers": [{"name": CASE_HEADER, "string_match": {"exact": str(number)}}]},
            "direct_response": {"status": 200},
            **route_access(each, domains).fields(),
        }
        for number, each in enumerate(policies)
    ]
    manager = extension(
        "http",
        f"{_EXTENSIONS}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix="http",
        normalize_path={"value": True},
        route_config={"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]},
        http_filters=[*access_filters(), extension("router", f"{_EXTENSIONS}.filters.http.router.v3.Router")],
        access_log=[_log(folder / "http.log", _LOGGED)],
    )
    first, *others = HTTP_PLACES
    return {
        "name": "http",
        "address": address(*first),
        "additional_addresses": [{"address": address(*other)} for other in others],
        **_both_ways([manager], files),
    }


def _bytes_listener(
    folder: Path,
    port: int,
    authorizations: tuple[Authorization, ...],
    domains: tuple[str, ...],
    files: tuple[Path, Path],
) -> Any:
    echo = extension("echo", f"{_EXTENSIONS}.filters.network.echo.v3.Echo")
    logged = {**_LOGGED_BYTES, "closed_by": closed_by(authorizations)}
    return {
        "name": f"bytes-{port}",
        "address": address("127.0.0.1", port),
        "access_log": [_log(folder / "bytes.log", logged)],
        **_both_ways([*access_network_filters(authorizations, domains), echo], files),
    }


def _both_ways(filters: list[Any], files: tuple[Path, Path]) -> dict[str, Any]:
    """Chains as those of PERMISSIVE, except that a client may also use TLS without a certificate."""
    own, root = (str(file) for file in files)
    tls = extension(
        "tls",
        f"{_EXTENSIONS}.transport_sockets.tls.v3.DownstreamTlsContext",
        common_tls_context={
            "tls_certificates": [{"certificate_chain": {"filename": own}, "private_key": {"filename": own}}],
            "validation_context": {"trusted_ca": {"filename": root}},
        },
    )
    inspector = extension("inspector", f"{_EXTENSIONS}.filters.listener.tls_inspector.v3.TlsInspector")
    return {
        "listener_filters": [inspector],
        "filter_chains": [
            {
                "name": "tls",
                "filter_chain_match": {"transport_protocol": "tls"},
                "filters": filters,
                "transport_socket": tls,
            },
            {"name": "plain", "filter_chain_match": {"transport_protocol": "raw_buffer"}, "filters": filters},
        ],
    }


def _log(path: Path, logged: dict[str, str]) -> dict[str, Any]:
    line = {"json_format": protobuf.struct(logged)}
    return extension("log", f"{_EXTENSIONS}.access_loggers.file.v3.FileAccessLog", path=str(path), log_format=line)
