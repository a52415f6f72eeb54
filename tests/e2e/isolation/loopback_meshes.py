"""A mesh without any privilege: who runs it, and what is in it."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, json
from msgspec.structs import replace
from tests.e2e.isolation.meshes import UserMesh
from tests.e2e.isolation.users import USER, User, is_alone, ordinary_user, output
from tests.e2e.mesh.harness import processes
from tests.e2e.mesh.harness.load import Load, running
from tests.e2e.mesh.harness.manifests import account, client, gateway, mesh_config, namespace, server, service
from tests.e2e.mesh.harness.processes import Process

from weft.node.settings import node_settings

GATEWAY_PORT: Final = 18083
_HARDENED: Final = Path(__file__).parent / "hardened.py"
_EVERYBODY: Final = "0 0 4294967295"
_HIM_ALONE: Final = f"{USER} {USER} 1"
_RATE: Final = 60.0
_PORTS: Final = (
    {"name": "http", "port": 80, "targetPort": 8080},
    {"name": "http-other", "port": 8081, "targetPort": 8080},
    {"name": "tcp-lines", "port": 9000, "targetPort": 9000},
)
_CONFIGURATION: Final = f"""
    apiVersion: networking.istio.io/v1
    kind: Gateway
    metadata: {{name: web, namespace: ingress}}
    spec:
      selector: {{istio: gateway}}
      servers:
      - {{port: {{number: {GATEWAY_PORT}, name: http, protocol: HTTP}}, hosts: [echo.test]}}
    ---
    apiVersion: networking.istio.io/v1
    kind: VirtualService
    metadata: {{name: web, namespace: shop}}
    spec:
      hosts: [echo.test]
      gateways: [ingress/web]
      http:
      - route: [{{destination: {{host: echo, port: {{number: 80}}}}}}]
    ---
    apiVersion: security.istio.io/v1
    kind: PeerAuthentication
    metadata: {{name: default, namespace: istio-system}}
    spec: {{mtls: {{mode: STRICT}}}}
    """


@contextlib.contextmanager
def bare_user() -> Iterator[User]:
    """An ordinary user who can make no namespaces, as far as we can take them from him."""
    with ordinary_user() as user:
        if os.geteuid() != 0:
            yield user
            return
        command = [*user.machine, sys.executable, str(_HARDENED), _HIM_ALONE if is_alone() else _EVERYBODY]
        holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"ready\n", "user namespaces could not be forbidden"
        try:
            enter = ("nsenter", f"--target={holder.pid}", "--user", "--preserve-credentials", "--net", "--")
            yield replace(user, machine=enter)
        finally:
            holder.communicate()


class Answer(Struct, frozen=True):
    """What curl says: the status, 0 where there was no answer, and the body."""

    status: int
    body: str

    @property
    def told(self) -> dict[str, Any]:
        """What the test server says of the request."""
        found: dict[str, Any] = json.decode(self.body)
        return found


class LoopbackMesh(UserMesh):
    """The mesh `mine` of a user. Its servers listen at their pods' addresses, as programs must there."""

    def __init__(self, user: User) -> None:
        super().__init__(user, ["--isolation", "loopback"])
        self.folder.write("00-base.yaml", _manifests(self.applications))
        self.folder.write("10-gateway.yaml", _CONFIGURATION)

    def inside(self, app: str, *command: str) -> list[str]:
        """A command in an application's pod, where http_proxy is set."""
        return self.weft("exec", "-n", "shop", f"deploy/{app}", "--", *command)

    def ask(self, app: str, url: str, *options: str) -> Answer:
        """A request of curl from an application's pod."""
        vector = self.inside(app, "curl", "-s", "-m", "10", "-w", "\n%{http_code}", *options, url)
        body, _, status = subprocess.run(vector, capture_output=True, text=True, timeout=40).stdout.rpartition("\n")
        return Answer(int(status), body)

    def logs_of_echo(self) -> str:
        """What the Envoys of all servers have logged."""
        versions = ("v1", "v2")
        logs = (self.weft("logs", "-n", "shop", f"deploy/echo-{each}", "-c", "istio-proxy") for each in versions)
        return "".join(map(output, logs))

    def proxy_address(self, app: str) -> str:
        """The address of the Envoy of an application's one pod."""
        pods = json.decode(output(self.weft("get", "pods", "-n", "shop", "-l", f"app={app}", "-o", "json")))["items"]
        return str(pods[0]["metadata"]["annotations"]["weft.dev/proxy-address"])

    @contextlib.contextmanager
    def load(self, url: str, rate: float = _RATE) -> Iterator[Load]:
        """Constant load from the client's pod, through its http_proxy, during the block."""
        command = ("python3", "-S", str(self.applications / "load.py"), url, f"--rate={rate}")
        with running(self.inside("client", *command)) as load:
            yield load

    def members(self) -> set[Process]:
        """Every process of the mesh."""
        tag = f"WEFT_PROCESS={node_settings(self.places).mark}/"
        return {*processes.tagged(tag), *processes.mentioning(str(self.places.state))}


def _manifests(applications: Path) -> list[dict[str, Any]]:
    images = {"weft.dev/e2e/*": str(applications)}
    standalone = {"apiVersion": "weft.dev/v1alpha1", "kind": "Standalone", "metadata": {"name": "e2e"}}
    return [
        {**standalone, "spec": {"images": images}},
        *(namespace(name) for name in ("istio-system", "shop", "ingress")),
        mesh_config("accessLogFile: /dev/stdout\n"),
        *(account("shop", name) for name in ("client", "visitor", "echo")),
        account("ingress", "gateway"),
        client("shop", "client"),
        client("shop", "visitor"),
        service("shop", "echo", _PORTS),
        *(server("shop", "echo", version=version, tcp=(9000,)) for version in ("v1", "v2")),
        gateway("ingress", "gateway"),
    ]
