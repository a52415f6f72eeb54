"""A mesh that an ordinary user runs: a client, a server, one more caller, and a gateway."""

import contextlib
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from tests.e2e.isolation.users import User, output
from tests.e2e.mesh.harness import processes
from tests.e2e.mesh.harness.api import Api
from tests.e2e.mesh.harness.client import APPLICATIONS, Response
from tests.e2e.mesh.harness.folder import Contents, Folder
from tests.e2e.mesh.harness.load import Load, running
from tests.e2e.mesh.harness.manifests import account, client, gateway, mesh_config, namespace, server, service
from tests.e2e.mesh.harness.processes import Process
from tests.e2e.mesh.harness.waiting import eventually

from weft.base.places import Places
from weft.node.forwarding import stored_forwards
from weft.node.processes import ProcessRecord
from weft.node.state import read_record

READY: Final = 60.0
INSIDE: Final = 80
"""The port of the gateway, which an ordinary user can't open outside."""
_RATE: Final = 80.0

_GATEWAY: Final = """
    apiVersion: networking.istio.io/v1
    kind: Gateway
    metadata: {name: web, namespace: ingress}
    spec:
      selector: {istio: gateway}
      servers:
      - {port: {number: 80, name: http, protocol: HTTP}, hosts: [echo.test]}
    ---
    apiVersion: networking.istio.io/v1
    kind: VirtualService
    metadata: {name: web, namespace: shop}
    spec:
      hosts: [echo.test]
      gateways: [ingress/web]
      http:
      - route: [{destination: {host: echo}}]
    ---
    apiVersion: security.istio.io/v1
    kind: PeerAuthentication
    metadata: {name: default, namespace: istio-system}
    spec: {mtls: {mode: STRICT}}
    """


class UserMesh:
    """The mesh `mine` of a user."""

    def __init__(self, user: User, options: Sequence[str] = ()) -> None:
        self.user = user
        self.places = Places("mine", user.home / "state")
        self.folder = Folder(user.home / "folder")
        self.api = Api(self.places)
        self.said = user.home / "up.log"
        self._options = tuple(options)
        self._up: subprocess.Popen[bytes] | None = None
        applications = user.home / "applications"
        shutil.copytree(APPLICATIONS, applications, ignore=shutil.ignore_patterns("__pycache__"))
        self.applications = applications
        self.folder.write("00-base.yaml", _manifests(applications))
        self.folder.write("10-gateway.yaml", _GATEWAY)

    def start(self) -> None:
        """Runs `weft up` until it says that the mesh is ready."""
        start = self.said.stat().st_size if self.said.exists() else 0
        command = self.weft("up", *self._options, str(self.folder.path))
        with self.said.open("ab") as log:
            self._up = subprocess.Popen(command, stdout=log, stderr=log)

        def ready() -> None:
            said = self.said.read_text()[start:]
            assert self._up is not None
            assert self._up.poll() is None, said
            assert " is ready after " in said, said

        eventually(ready, within=READY)

    def down(self) -> str:
        """Runs `weft down`, and waits for the end of `weft up`."""
        said = output(self.weft("down"), limit=60)
        if self._up is not None:
            self._up.wait(timeout=5)
        return said

    def weft(self, command: str, *arguments: str) -> list[str]:
        """A command on this mesh."""
        return self.user.weft(command, "--mesh", self.places.mesh, "--state-dir", str(self.places.state), *arguments)

    def process(self, name: str) -> Process:
        """The supervisor (`up`), or a process that was started by its name."""
        found = [each for each in processes.mentioning(str(self.places.state)) if _subcommand(each.pid) == name]
        helpers = {child for each in found for child in processes.children(each.pid)}
        found = [each for each in found if each not in helpers]
        assert len(found) == 1, f"{name}: {found}"
        return found[0]

    @property
    def holder(self) -> Process:
        """The process that holds the namespaces."""
        record = read_record(self.places.state / "holder.json", ProcessRecord)
        found = processes.find(record.pid) if record else None
        assert found is not None, "nobody holds the namespaces"
        return found

    def reap(self) -> None:
        """Takes note of the end of a supervisor that was killed."""
        assert self._up is not None
        self._up.wait(timeout=5)

    def call(self, app: str, url: str, **how: Any) -> Response:
        """A call from inside of an application's pod, by `weft exec`."""
        command = ("python3", "-S", str(self.applications / "fetch.py"))
        vector = self.weft("exec", "-i", "-n", "shop", f"deploy/{app}", "--", *command)
        text = msgspec.json.encode([{"url": url, **how}])
        done = subprocess.run(vector, input=text, capture_output=True, timeout=40)
        assert done.returncode == 0, done
        return msgspec.json.decode(done.stdout, type=list[list[Response]])[0][0]

    def curl_command(self, port: int, *options: str, host: str = "echo.test") -> list[str]:
        """Asks the gateway from outside."""
        url = f"http://127.0.0.1:{port}/"
        return self.user.command("curl", "-s", "-m", "10", "-H", f"Host: {host}", *options, url)

    def status(self, port: int, host: str = "echo.test") -> str:
        """The status that the gateway answers from outside; 000 if it does not."""
        vector = self.curl_command(port, "-o", "/dev/null", "-w", "%{http_code}", host=host)
        return subprocess.run(vector, capture_output=True, text=True, timeout=20).stdout

    def outside_port(self, port: int) -> int:
        """Where a port is reached from outside."""

        def find() -> int:
            found = [forward.at for forward in stored_forwards(self.places.forwards) if forward.port == port]
            assert found, self.places.forwards.read_text() if self.places.forwards.exists() else "no forwards yet"
            assert found[0] is not None
            return found[0]

        return eventually(find)

    @contextlib.contextmanager
    def load(self, url: str, rate: float = _RATE) -> Iterator[Load]:
        """Constant load from the client's pod during the block."""
        command = ("python3", "-S", str(self.applications / "load.py"), url, f"--rate={rate}")
        with running(self.weft("exec", "-n", "shop", "deploy/client", "--", *command)) as load:
            try:
                yield load
            except BaseException:
                load.stop()  # what runs in the pod hears of it
                raise

    @contextlib.contextmanager
    def config(self, contents: Contents) -> Iterator[None]:
        """A file in the folder during the block."""
        self.folder.write("50-test.yaml", contents)
        try:
            yield
        finally:
            self.folder.delete("50-test.yaml")

    def members(self) -> set[Process]:
        """Every process of the mesh."""
        inside = processes.in_user_namespace(self.holder.pid)
        return {*inside, *processes.mentioning(str(self.places.state))}

    def abandon(self) -> None:
        """Ends all that is left of it, for the end of a test that failed."""
        if self._up is not None and self._up.poll() is None:
            self._up.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._up.wait(timeout=30)
        if self.places.state.exists():
            self.down()


def _manifests(applications: Path) -> list[dict[str, Any]]:
    images = {"weft.dev/e2e/*": str(applications)}
    return [
        {
            "apiVersion": "weft.dev/v1alpha1",
            "kind": "Standalone",
            "metadata": {"name": "e2e"},
            "spec": {"images": images},
        },
        namespace("istio-system"),
        mesh_config("accessLogFile: /dev/stdout\n"),
        namespace("shop"),
        namespace("ingress"),
        *(account("shop", name) for name in ("client", "visitor", "echo")),
        account("ingress", "gateway"),
        client("shop", "client"),
        client("shop", "visitor"),
        service("shop", "echo", ({"name": "http", "port": 80, "targetPort": 8080},)),
        server("shop", "echo"),
        gateway("ingress", "gateway"),
    ]


def _subcommand(pid: int) -> str:
    words = processes.command(pid)
    return words[words.index("weft.apps.main") + 1] if "weft.apps.main" in words else ""
