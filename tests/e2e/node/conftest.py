"""Nodes, pods and sockets in real network namespaces, inside of an outer one that has no way out."""

import asyncio
import contextlib
import ctypes
import json
import os
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.node.fakes import FakeController, until

from weft.model.local import (
    CREDENTIALS_FOLDER,
    ROOT_SECRET_FILE,
    Action,
    ContainerOrder,
    HostEntry,
    NodeOrders,
    PodOrder,
    PodReport,
    Probe,
    ProxyOrder,
    RedirectOrder,
    ServiceTarget,
)
from weft.node.agent import run_node
from weft.node.inspection import exec_arguments
from weft.node.namespaces import PINS
from weft.node.settings import Backoff, LogLimits, NodeSettings
from weft.node.state import pod_id
from weft.node.teardown import remove_everything

CLONE_NEWNET = 0x40000000
HTTP_CONNECTION_MANAGER = (
    "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
)
ROUTER = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"

# Answers every path with the pod's hostname; /slow takes a second.
APPLICATION = """
import http.server, os, time
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/slow": time.sleep(1)
        body = os.uname().nodename.encode()
        self.send_response(200); self.send_header("content-length", str(len(body))); self.end_headers()
        self.wfile.write(body)
http.server.ThreadingHTTPServer(("0.0.0.0", 8080), Handler).serve_forever()
"""


@pytest.fixture(scope="session", autouse=True)
def outer_namespace() -> Iterator[None]:
    """This process moves into a network namespace of its own, and back at the end."""
    libc = ctypes.CDLL(None, use_errno=True)
    home = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    if libc.unshare(CLONE_NEWNET):
        pytest.skip(f"no network namespace: {os.strerror(ctypes.get_errno())}")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    yield
    libc.setns(home, CLONE_NEWNET)
    os.close(home)


def bootstrap(*listeners: dict[str, Any], mark: str = "one", clusters: tuple[dict[str, Any], ...] = ()) -> str:
    """A static Envoy that is ready at once, with more listeners and clusters if asked for."""
    return json.dumps(
        {
            "node": {"id": mark, "cluster": "test"},
            "admin": {"address": {"pipe": {"path": "admin.sock", "mode": 0o600}}},
            "static_resources": {
                "listeners": [answering("ready", 15021, "ready"), *listeners],
                "clusters": list(clusters),
            },
        }
    )


def trusting_cluster() -> dict[str, Any]:
    """A cluster that trusts the root certificate of the pod's credentials, as the one to the controller does."""
    folder = {"path": CREDENTIALS_FOLDER}
    source = {
        "path_config_source": {"path": ROOT_SECRET_FILE, "watched_directory": folder},
        "resource_api_version": "V3",
    }
    context = {
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
        "common_tls_context": {"validation_context_sds_secret_config": {"name": "root", "sds_config": source}},
    }
    endpoint = {"endpoint": {"address": {"socket_address": {"address": "10.244.0.1", "port_value": 15012}}}}
    return {
        "name": "controller",
        "type": "STATIC",
        "transport_socket": {"name": "tls", "typed_config": context},
        "load_assignment": {"cluster_name": "controller", "endpoints": [{"lb_endpoints": [endpoint]}]},
    }


def answering(name: str, port: int, body: str) -> dict[str, Any]:
    """A listener that answers every request with the same text."""
    routes = [{"match": {"prefix": "/"}, "direct_response": {"status": 200, "body": {"inline_string": body}}}]
    manager = {
        "@type": HTTP_CONNECTION_MANAGER,
        "stat_prefix": name,
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]},
        "http_filters": [{"name": "router", "typed_config": {"@type": ROUTER}}],
    }
    return {
        "name": name,
        "traffic_direction": "INBOUND",
        "address": {"socket_address": {"address": "0.0.0.0", "port_value": port}},
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }


def http_probe(path: str = "/", **how: int) -> Probe:
    return Probe(action=Action(http_path=path, port=8080), **({"period": 200} | how))


def python(code: str) -> tuple[str, ...]:
    return ("python3", "-u", "-c", code)


def container(**changes: Any) -> ContainerOrder:
    order: dict[str, Any] = {"name": "app", "image": "app:1", "command": python(APPLICATION), "readiness": http_probe()}
    return ContainerOrder(**(order | changes))


def pod(number: int, *containers: ContainerOrder, **changes: Any) -> PodOrder:
    order: dict[str, Any] = {
        "uid": f"uid-{number}",
        "namespace": "default",
        "name": f"pod-{number}",
        "service_account": "default",
        "addresses": (f"10.244.0.{10 + number}",),
        "containers": containers or (container(),),
        "termination_grace": 2_000,
    }
    return PodOrder(**(order | changes))


def sidecar(*, redirected: bool = False, **changes: Any) -> ProxyOrder:
    order: dict[str, Any] = {
        "bootstrap": bootstrap(),
        "drain": 300,
        "redirect": RedirectOrder() if redirected else None,
    }
    return ProxyOrder(**(order | changes))


class Mesh:
    """One mesh with its node, driven by hand."""

    def __init__(self, folder: Path, name: str) -> None:
        self.settings = NodeSettings(
            mesh=name,
            state=folder / "state/node",
            hidden=folder / "state",
            controller=folder / "api.sock",
            search_path=os.environ["PATH"],
            backoff=Backoff(initial=0.3, limit=1),
            logs=LogLimits(size=20_000, files=3, interval=0.2),
        )
        self.controller = FakeController()
        self.controller.now = time.time
        self.orders = NodeOrders(revision=0)
        self._node: asyncio.Task[None] | None = None

    def order(
        self,
        *pods: PodOrder,
        hosts: dict[str, dict[str, str]] | None = None,
        services: tuple[ServiceTarget, ...] = (),
        trust_revision: int = 0,
    ) -> None:
        """Gives new orders. `hosts` maps namespaces to names to addresses."""
        entries = {
            namespace: tuple(HostEntry((address,), (name,)) for name, address in names.items())
            for namespace, names in (hosts or {}).items()
        }
        self.orders = NodeOrders(
            revision=self.orders.revision + 1,
            pods=pods,
            hosts=tuple(entries.items()),
            services=services,
            trust_revision=trust_revision,
        )
        self.controller.queue.put_nowait(self.orders)

    def start(self) -> None:
        self._node = asyncio.create_task(run_node(self.settings, self.controller))

    async def leave(self) -> None:
        """Ends the node process, so to speak: its pods go on."""
        if self._node:
            self._node.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._node
            self._node = None
            self.controller.reports.clear()

    async def wait(self, uid: str, condition: Any, patience: float = 20) -> PodReport:
        """Waits until a pod's report meets the condition."""

        def met() -> bool:
            if self._node and self._node.done():
                self._node.result()
            report = self.controller.reports.get(uid)
            return report is not None and condition(report)

        await until(met, patience)
        return self.controller.reports[uid]

    async def ready(self, *uids: str, patience: float = 20) -> list[PodReport]:
        return [await self.wait(uid, lambda report: report.ready, patience) for uid in uids]

    def namespace(self, uid: str) -> Path:
        return PINS / f"weft-{self.settings.mesh}-{pod_id(uid)}"

    async def inside(self, uid: str, *command: str) -> str:
        """Output of a command in the network of a pod, without its names."""
        return await output("nsenter", f"--net={self.namespace(uid)}", *command)

    async def execute(self, name: str, *command: str, container: str | None = None) -> str:
        """Output of a command in a container of a pod, standard error included."""
        return await output(*exec_arguments(self.settings, "default", name, command, container))

    async def fetch(self, name: str, url: str) -> str:
        return await self.execute(name, "curl", "-s", "-m", "3", url)


async def output(*command: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()
    return said.decode()


def leftovers(mesh: str) -> list[str]:
    """Namespaces and processes of the mesh, and links of any mesh in our own namespace."""
    links = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True).stdout.splitlines()
    names = [path.name for path in PINS.glob(f"weft-{mesh}*")] if PINS.is_dir() else []
    processes = [f"process {pid}" for pid in marked_pids(f"weft-{mesh}")]
    return names + processes + [line for line in links if " lo:" not in line]


def marked_pids(mark: str) -> list[int]:
    """Processes that see a mount with this source."""
    found = []
    for path in Path("/proc").glob("[0-9]*/mountinfo"):
        with contextlib.suppress(OSError):
            if f" - tmpfs {mark} " in path.read_text():
                found.append(int(path.parent.name))
    return found


@pytest.fixture
async def mesh(tmp_path: Path) -> AsyncIterator[Mesh]:
    """A mesh that must leave nothing behind."""
    if not shutil.which("nft"):
        pytest.skip("nftables is not installed")
    made = Mesh(tmp_path, f"t{os.getpid()}")
    try:
        yield made
    finally:
        await made.leave()
        await remove_everything(made.settings)
    assert leftovers(made.settings.mesh) == []
    assert not made.settings.state.exists()
