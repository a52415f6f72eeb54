"""A control plane of the real parts with a hand-made view, and a real Envoy that is led by it."""

import asyncio
import http.client
import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from weft.base import protobuf
from weft.envoy.resource import Resource, resource
from weft.envoy.type_urls import CDS, EDS, LDS, RDS, VHDS
from weft.identity.authority import Authority, new_authority
from weft.identity.keys import generate_key
from weft.identity.profiles import Subject
from weft.identity.signer import self_signed
from weft.serve.ads.messages import Node
from weft.serve.ads.registry import Nack, Registry
from weft.serve.ads.server import DiscoveryService, Limits
from weft.serve.ads.views import ResourceTable, View
from weft.serve.ca.live import LiveAuthority, utc_now
from weft.serve.ca.secrets import WorkloadSecrets
from weft.serve.ca.serving import ServingCertificate
from weft.serve.callers import Pod
from weft.serve.http2.protocol import Times
from weft.serve.tokens.guard import ReviewGuard
from weft.serve.tokens.issuer import TokenIssuer
from weft.serve.tokens.reviewer import LocalReviewer
from weft.serve.transport import SecureServer, ServerSettings

XDS_PORT = 15012
ENVOY = str(Path(sys.executable).with_name("envoy"))
POD = Pod("uid-1", "shop", "web-0", "web", Subject("web", "v1", "web"))
ADS = {"ads": {}, "resource_api_version": "V3", "initial_fetch_timeout": "0s"}
TLS_1_3 = {"tls_minimum_protocol_version": "TLSv1_3", "tls_maximum_protocol_version": "TLSv1_3"}
TYPES = "type.googleapis.com/"
EXTENSIONS = TYPES + "envoy.extensions."

_MESSAGES = {
    CDS: "envoy.config.cluster.v3.Cluster",
    EDS: "envoy.config.endpoint.v3.ClusterLoadAssignment",
    LDS: "envoy.config.listener.v3.Listener",
    RDS: "envoy.config.route.v3.RouteConfiguration",
    VHDS: "envoy.config.route.v3.VirtualHost",
}


def make(type_url: str, content: Mapping[str, Any]) -> Resource:
    """A resource of JSON; its name is the message's."""
    name = content.get("name") or content["cluster_name"]
    return resource(type_url, name, protobuf.serialize(protobuf.from_dict(_MESSAGES[type_url], content)))


class ControlPlane:
    """All parts of `weft.serve` put together. The view is the same for every pod."""

    def __init__(self, *, lifetime: float = 3600.0, stream_lifetime: float = 1800.0, age: float = 600.0) -> None:
        self.pods: dict[str, Pod] = {POD.uid: POD}
        self.nacks: list[Nack] = []
        self.saved: list[Authority] = []
        self.table = ResourceTable((CDS, LDS, VHDS))
        self.view = View("all", self.table)
        self.authority = LiveAuthority(
            new_authority("mesh.test", self_signed("mesh.test", utc_now())), self.saved.append
        )
        key = generate_key()
        self.tokens = TokenIssuer(key, "weft/test")
        self.registry = Registry([self.nacks.append])
        self.secrets = WorkloadSecrets(self.authority, timedelta(seconds=lifetime))
        self.service = DiscoveryService(
            guard=ReviewGuard(LocalReviewer(key, "weft/test", self.pods.get)),
            pods=self.pods.get,
            views=self,
            secrets=self.secrets,
            registry=self.registry,
            limits=Limits(lifetime=stream_lifetime),
        )
        self.serving = ServingCertificate(self.authority, ["127.0.0.1", "weft.test"])
        self._server = SecureServer(self.service.methods(), ServerSettings(times=Times(age=age)))
        self._tasks: list[asyncio.Task[None]] = []

    def view_of(self, pod: Pod, node: Node) -> View:
        return self.view

    async def __aenter__(self) -> "ControlPlane":
        self._server.listen(f"127.0.0.1:{XDS_PORT}", self.serving.context)
        await self._server.start()
        self._tasks.append(asyncio.create_task(self.secrets.run()))
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        self.registry.close_all()
        await self._server.stop(0.5)

    def set(self, *resources: Resource, removed: tuple[tuple[str, str], ...] = ()) -> None:
        """Changes the view, all at once."""
        self.view.publish(self.table.update(resources, removed))

    def root(self) -> str:
        return self.authority.current.bundle.decode()

    def statuses(self) -> dict[str, str]:
        """Type (last part of its URL) to status of the one connected proxy."""
        states = self.registry.states()
        return {t.type_url.rpartition(".")[2]: t.status for t in states[0].types} if states else {}


class Volume:
    """A folder whose files change as in a projected volume: all at once, by a symbolic link that is swapped."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._generation = 0
        folder.mkdir()

    def write(self, **files: str) -> None:
        self._generation += 1
        generation = f"..{self._generation}"
        (self.folder / generation).mkdir()
        for name, content in files.items():
            (self.folder / generation / name).write_text(content)
        fresh = self.folder / "..tmp"
        fresh.symlink_to(generation)
        fresh.replace(self.folder / "..data")
        for name in files:
            link = self.folder / name
            if not link.is_symlink():
                link.symlink_to(f"..data/{name}")


class Envoy:
    """A sidecar's Envoy, with the bootstrap that a sidecar has as far as discovery is concerned."""

    def __init__(self, folder: Path, token: str, root: str, api_type: str = "DELTA_GRPC") -> None:
        self.folder = folder
        self.api_type = api_type
        self.volume = Volume(folder / "credentials")
        self.credentials(token, root)
        self._process: subprocess.Popen[bytes] | None = None

    def credentials(self, token: str, root: str) -> None:
        """Puts token and root certificate in place, with the two SDS files that name them."""
        paths = self.volume.folder
        self.volume.write(
            token=token,
            root=root,
            token_sds=_sds_file("token", generic_secret={"secret": {"filename": f"{paths}/token"}}),
            root_sds=_sds_file("root", validation_context={"trusted_ca": {"filename": f"{paths}/root"}}),
        )

    def start(self) -> None:
        command = [ENVOY, "--config-yaml", json.dumps(self.bootstrap()), "--concurrency", "1", "-l", "warning"]
        with (self.folder / "envoy.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "--use-dynamic-base-id", "--disable-hot-restart", "--drain-time-s", "1"],
                stdout=log,
                stderr=log,
            )

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)

    def log(self) -> str:
        return (self.folder / "envoy.log").read_text()

    def bootstrap(self) -> dict[str, Any]:
        return {
            "node": {"id": "sidecar~127.0.0.1~web-0.shop~shop.svc", "cluster": "web.shop"},
            "admin": {"address": {"pipe": {"path": str(self.folder / "admin"), "mode": 0o600}}},
            "dynamic_resources": {
                "ads_config": {
                    "api_type": self.api_type,
                    "transport_api_version": "V3",
                    "set_node_on_first_message_only": True,
                    "grpc_services": [
                        {
                            "envoy_grpc": {
                                "cluster_name": "xds-grpc",
                                "retry_policy": {"retry_back_off": {"base_interval": "0.5s", "max_interval": "5s"}},
                            }
                        }
                    ],
                },
                "cds_config": ADS,
                "lds_config": ADS,
            },
            "cluster_manager": {
                "upstream_bind_config": {
                    "source_address": {"address": "0.0.0.0", "port_value": 0},
                    "socket_options": [{"level": 1, "name": 36, "int_value": 1337, "state": "STATE_PREBIND"}],
                }
            },
            "static_resources": {"clusters": [self._xds_cluster()]},
        }

    def _xds_cluster(self) -> dict[str, Any]:
        return {
            "name": "xds-grpc",
            "type": "STATIC",
            "connect_timeout": "1s",
            "typed_extension_protocol_options": {
                "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                    "@type": EXTENSIONS + "upstreams.http.v3.HttpProtocolOptions",
                    "explicit_http_config": {
                        "http2_protocol_options": {"connection_keepalive": {"interval": "30s", "timeout": "5s"}}
                    },
                    "http_filters": [self._token_filter(), _codec_filter()],
                }
            },
            "transport_socket": {
                "name": "tls",
                "typed_config": {
                    "@type": EXTENSIONS + "transport_sockets.tls.v3.UpstreamTlsContext",
                    "sni": "weft.test",
                    "common_tls_context": {
                        "tls_params": TLS_1_3,
                        "alpn_protocols": ["h2"],
                        "combined_validation_context": {
                            "default_validation_context": {
                                "match_typed_subject_alt_names": [
                                    {"san_type": "DNS", "matcher": {"exact": "weft.test"}}
                                ]
                            },
                            "validation_context_sds_secret_config": self._root(),
                        },
                    },
                },
            },
            "load_assignment": assignment("xds-grpc", XDS_PORT),
        }

    def _token_filter(self) -> dict[str, Any]:
        credential = {
            "@type": EXTENSIONS + "http.injected_credentials.generic.v3.Generic",
            "header": "authorization",
            "credential": {"name": "token", "sds_config": self._file("token_sds")},
        }
        return {
            "name": "token",
            "typed_config": {
                "@type": EXTENSIONS + "filters.http.credential_injector.v3.CredentialInjector",
                "overwrite": True,
                "credential": {"name": "envoy.http.injected_credentials.generic", "typed_config": credential},
            },
        }

    def _root(self) -> dict[str, Any]:
        return {"name": "root", "sds_config": self._file("root_sds")}

    def _file(self, name: str) -> dict[str, Any]:
        source = {"path": f"{self.volume.folder}/{name}", "watched_directory": {"path": str(self.volume.folder)}}
        return {"path_config_source": source, "resource_api_version": "V3"}

    async def admin(self, path: str) -> str:
        return await asyncio.to_thread(_get_unix, self.folder / "admin", path)

    async def stat(self, name: str) -> int:
        """One counter or gauge; 0 before Envoy answers."""
        try:
            text = await self.admin(f"/stats?filter=^{name}$")
        except OSError:
            return 0
        return int(text.split(": ")[1]) if ": " in text else 0

    async def dump(self) -> str:
        return await self.admin("/config_dump")


def _sds_file(name: str, **content: Any) -> str:
    kind = EXTENSIONS + "transport_sockets.tls.v3.Secret"
    return json.dumps({"resources": [{"@type": kind, "name": name, **content}]})


def _codec_filter() -> dict[str, Any]:
    return {
        "name": "codec",
        "typed_config": {"@type": EXTENSIONS + "filters.http.upstream_codec.v3.UpstreamCodec"},
    }


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=5)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(self._path))


def _get_unix(path: Path, url: str) -> str:
    connection = _UnixConnection(path)
    try:
        connection.request("GET", url)
        return connection.getresponse().read().decode()
    finally:
        connection.close()


# resources


def assignment(name: str, port: int) -> dict[str, Any]:
    endpoint = {"address": {"socket_address": {"address": "127.0.0.1", "port_value": port}}}
    return {"cluster_name": name, "endpoints": [{"lb_endpoints": [{"endpoint": endpoint}]}]}


def endpoints(name: str, port: int = 18001) -> Resource:
    """One endpoint for a cluster."""
    return make(EDS, assignment(name, port))


def _tls() -> dict[str, Any]:
    return {
        "tls_params": TLS_1_3,
        "tls_certificate_sds_secret_configs": [{"name": "default", "sds_config": ADS}],
        "validation_context_sds_secret_config": {"name": "ROOTCA", "sds_config": ADS},
    }


def cluster(name: str, *, timeout: str = "1s", padding: int = 0) -> Resource:
    """An EDS cluster with mutual TLS and a fresh connection for each request; `padding` bytes larger."""
    return make(
        CDS,
        {
            "name": name,
            "type": "EDS",
            "connect_timeout": timeout,
            "eds_cluster_config": {"eds_config": ADS},
            "metadata": {"filter_metadata": {"padding": {"text": "x" * padding}}},
            "typed_extension_protocol_options": {
                "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                    "@type": EXTENSIONS + "upstreams.http.v3.HttpProtocolOptions",
                    "explicit_http_config": {"http_protocol_options": {}},
                    "common_http_protocol_options": {"max_requests_per_connection": 1},
                }
            },
            "transport_socket": {
                "name": "tls",
                "typed_config": {
                    "@type": EXTENSIONS + "transport_sockets.tls.v3.UpstreamTlsContext",
                    "common_tls_context": _tls(),
                },
            },
        },
    )


def _http(name: str, port: int, routes: dict[str, Any], tls: dict[str, Any] | None = None) -> Resource:
    router = {"name": "router", "typed_config": {"@type": EXTENSIONS + "filters.http.router.v3.Router"}}
    manager = {
        "@type": EXTENSIONS + "filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": name,
        "http_filters": [router],
        **routes,
    }
    chain: dict[str, Any] = {"filters": [{"name": "http", "typed_config": manager}]}
    if tls:
        chain["transport_socket"] = {"name": "tls", "typed_config": tls}
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    return make(LDS, {"name": name, "address": address, "filter_chains": [chain]})


def front(name: str = "front", port: int = 18000, route: str = "routes") -> Resource:
    """Plain HTTP in, by a discovered route table."""
    return _http(name, port, {"rds": {"route_config_name": route, "config_source": ADS}})


def back(port: int = 18001) -> Resource:
    """Mutual TLS in; answers with what it saw of the client's certificate."""
    seen = [
        {"header": {"key": "x-peer", "value": "%DOWNSTREAM_PEER_URI_SAN%"}},
        {"header": {"key": "x-serial", "value": "%DOWNSTREAM_PEER_SERIAL%"}},
        {"header": {"key": "x-subject", "value": "%DOWNSTREAM_PEER_SUBJECT%"}},
    ]
    host = {"name": "all", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "direct_response": {"status": 200}}]}
    tls = {
        "@type": EXTENSIONS + "transport_sockets.tls.v3.DownstreamTlsContext",
        "require_client_certificate": True,
        "common_tls_context": _tls(),
    }
    routes = {"route_config": {"name": "back", "virtual_hosts": [host], "response_headers_to_add": seen}}
    return _http("back", port, routes, tls)


def routes(target: str | int, *, name: str = "routes", domains: tuple[str, ...] = ("*",)) -> Resource:
    """Everything to a cluster, or answered with a status. Two equal domains are refused by Envoy."""
    action = {"route": {"cluster": target}} if isinstance(target, str) else {"direct_response": {"status": target}}
    hosts = [
        {"name": f"host{index}", "domains": [domain], "routes": [{"match": {"prefix": "/"}, **action}]}
        for index, domain in enumerate(domains)
    ]
    return make(RDS, {"name": name, "virtual_hosts": hosts})


def table_in_parts(name: str = "routes") -> Resource:
    """A table whose hosts are discovered one by one."""
    return make(RDS, {"name": name, "vhds": {"config_source": ADS}})


def host(name: str, target: str | int, *domains: str, table: str = "routes") -> Resource:
    """One host of such a table."""
    action = {"route": {"cluster": target}} if isinstance(target, str) else {"direct_response": {"status": target}}
    routes = [{"match": {"prefix": "/"}, **action}]
    return make(VHDS, {"name": f"{table}/{name}", "domains": domains, "routes": routes})


def everything() -> tuple[Resource, ...]:
    """One of each type: 18000 -> cluster `back` -> mutual TLS -> 18001."""
    return cluster("back"), endpoints("back"), front(), back(), routes("back")


# traffic


class Answer(dict[str, str]):
    """Headers of an answer, and its status; 0 where there was none."""

    status = 0


def _request(port: int, asked: str | None) -> Answer:
    answer = Answer()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/", headers={"Host": asked} if asked else {})
        response = connection.getresponse()
        answer.update(response.getheaders())
        answer.status = response.status
    except OSError:
        pass
    finally:
        connection.close()
    return answer


async def request(port: int = 18000, asked: str | None = None) -> Answer:
    """A request, for the host `asked` if one is said."""
    return await asyncio.to_thread(_request, port, asked)


class Load:
    """Requests one after the other until it is left; `failed` are those that were not answered with 200."""

    def __init__(self, port: int = 18000, asked: str | None = None) -> None:
        self._port = port
        self._asked = asked
        self.failed: list[int] = []
        self.answers: list[Answer] = []

    async def __aenter__(self) -> "Load":
        self._stop = asyncio.Event()
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        await self._task

    async def _run(self) -> None:
        while not self._stop.is_set():
            answer = await request(self._port, self._asked)
            self.answers.append(answer)
            if answer.status != 200:
                self.failed.append(answer.status)
            await asyncio.sleep(0.005)


async def until(condition: Callable[[], Any], seconds: float = 10.0) -> None:
    """Waits for a condition, plain or async; AssertionError if it does not come true."""
    end = time.monotonic() + seconds
    while True:
        result = condition()
        if asyncio.iscoroutine(result):
            result = await result
        if result:
            return
        assert time.monotonic() < end, f"not within {seconds} s: {condition}"
        await asyncio.sleep(0.02)
