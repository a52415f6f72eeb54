"""A whole mesh under test: `weft up` on a machine of its own, and everything that must hold when it ends."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any, Final

from tests.e2e.mesh.harness import processes
from tests.e2e.mesh.harness.api import Api, Pod
from tests.e2e.mesh.harness.client import Client
from tests.e2e.mesh.harness.commands import run
from tests.e2e.mesh.harness.envoy import Admin
from tests.e2e.mesh.harness.folder import Contents, Folder, text_of
from tests.e2e.mesh.harness.load import Load, load_command, running
from tests.e2e.mesh.harness.logs import LogWatch
from tests.e2e.mesh.harness.manifests import Manifest
from tests.e2e.mesh.harness.outer import OuterNamespace, pinned
from tests.e2e.mesh.harness.processes import Process
from tests.e2e.mesh.harness.waiting import eventually

from weft.base.issues import LocatedIssue
from weft.base.places import Places
from weft.model import codes
from weft.model.local import Isolation
from weft.node.addresses import MeshNetwork
from weft.node.holder import holder_pid
from weft.node.hub import stored_network
from weft.node.inspection import admin_socket_of, exec_arguments, log_files
from weft.node.procfs import TAG_VARIABLE
from weft.node.settings import NodeSettings, node_settings
from weft.node.state import StateFolder

READY: Final = 120.0
BASE: Final = "00-base.yaml"
"""The file that a mesh begins with."""

_END: Final = 120.0
_MARKER: Final = "ConfigMap"
_OF_ISOLATION: Final = {codes.PAST_PROXY, codes.UNCAPTURED_PORT}
_DEFAULT_RATE: Final = 150.0


class RunningMesh:
    """One mesh. `folder` holds its YAML files, `outer` is its machine; `start` and `stop` run it as a user would."""

    def __init__(self, label: str, root: Path, manifests: Sequence[Manifest], options: Sequence[str] = ()) -> None:
        self.name = f"e2e{os.getpid()}-{label}"
        self.outer = OuterNamespace()
        self.places = Places(self.name, root / "state")
        self.folder = Folder(root / "folder")
        self.folder.write(BASE, manifests)
        self.api = Api(self.places)
        self.output = root / "up.log"
        self.logs = [LogWatch(self.places.state / "logs" / f"{name}.log") for name in ("controller", "node")]
        self.nacks_expected = False
        self._options = tuple(options)
        self._markers = count(1)
        self._up: subprocess.Popen[bytes] | None = None

    # ---- life --------------------------------------------------------------------------------------------------
    def start(self) -> None:
        """Runs `weft up` and waits until it says that the mesh is ready."""
        command = (*self._weft("up"), *self._options, str(self.folder.path))
        said = self.output.stat().st_size if self.output.exists() else 0
        with self.output.open("ab") as output:
            self._up = subprocess.Popen(self.outer.inside(*command), stdout=output, stderr=output)
        eventually(lambda: self._check_ready(said), within=READY)
        for log in self.logs:
            log.lines()

    def stop(self) -> None:
        """Runs `weft down`; the supervisor, if it still lives, must end well."""
        run(self.outer.inside(*self._weft("down")), timeout=_END)
        if self._up is not None:
            assert self._up.wait(timeout=5.0) in (0, -9), f"weft up ended with {self._up.returncode}"
            self._up = None

    def weft(self, *arguments: str, code: int = 0) -> str:
        """The output of a command of `weft` on this mesh, which must end with this exit code."""
        return run(self.outer.inside(*self._weft(*arguments)), code=code)

    def process(self, name: str) -> Process:
        """The supervisor (`up`), or `controller` or `node` below it, in a user namespace its grandchildren."""
        assert self._up is not None
        supervisor = processes.find(self._up.pid)
        assert supervisor is not None, "the supervisor does not run"
        if name == "up":
            return supervisor
        found = [child for child in processes.descendants(supervisor.pid) if name in processes.command(child.pid)]
        assert len(found) == 1, f"{name}: {found}"
        return found[0]

    def reap(self) -> None:
        """Takes note of the end of a supervisor that was killed."""
        assert self._up is not None
        self._up.wait(timeout=5.0)

    def abandon(self) -> None:
        """Kills what may be left of `weft up`, for the end of a test that failed."""
        if self._up is not None and self._up.poll() is None:
            self._up.kill()
            self._up.wait()

    # ---- configuration -----------------------------------------------------------------------------------------
    @contextlib.contextmanager
    def config(self, contents: Contents, name: str = "50-test.yaml") -> Iterator[None]:
        """A file that is there during the block. Its contents are in force at all proxies when the block begins, and
        gone from all when it has ended."""
        self.apply(contents, name)
        try:
            yield
        finally:
            self.withdraw(name)

    def apply(self, contents: Contents, name: str) -> None:
        """Writes a file and waits until all proxies have taken what follows from it."""
        marker = f"marker-{next(self._markers)}"
        text = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {marker}, namespace: default}}\ndata: {{}}\n"
        self.folder.write(name, f"{text}---\n{text_of(contents)}")
        eventually(lambda: self._check(self.api.has(_MARKER, "default", marker)))
        self.settle()

    def withdraw(self, name: str) -> None:
        """Deletes a file that `apply` wrote, and waits until all proxies have taken what follows."""
        markers = [line for line in (self.folder.path / name).read_text().splitlines() if "name: marker-" in line]
        marker = markers[0].partition("name: ")[2].partition(",")[0]
        self.folder.delete(name)
        eventually(lambda: self._check(not self.api.has(_MARKER, "default", marker)))
        self.settle()

    def settle(self) -> None:
        """Waits until every proxy has accepted all that there is for it."""
        eventually(self._check_settled, within=20.0)

    # ---- pods --------------------------------------------------------------------------------------------------
    def await_pods(self, count: int, app: str, **labels: str) -> list[Pod]:
        """Waits until an application has exactly these pods, all ready, and none that is otherwise labelled."""

        def check() -> list[Pod]:
            found = self.api.pods(app=app)
            assert len(found) == count, [pod.name for pod in found]
            assert all(pod.ready and labels.items() <= pod.labels.items() for pod in found), found
            return found

        return eventually(check, within=READY)

    def client(self, app: str, namespace: str | None = None) -> Client:
        """Calls from the one pod of an application."""
        pod = self.api.pod(namespace, app=app)
        return Client(lambda command: self.enter(pod, command))

    def machine(self) -> Client:
        """Calls from the machine, where the ingress gateway listens."""
        return Client(lambda command: self.outer.inside(*command))

    def await_machine(self, url: str, status: int, **how: Any) -> None:
        """Waits until the machine gets this status from a gateway (0 if nobody listens): where that is in a network of
        its own, its ports outside follow what is in force."""
        eventually(lambda: self._check(self.machine().call(url, timeout=2.0, **how).status == status))

    def enter(self, pod: Pod, command: tuple[str, ...]) -> list[str]:
        """The command line that runs a command inside of a pod's first container."""
        return self.outer.inside(*exec_arguments(self._settings, pod.namespace, pod.name, command))

    @contextlib.contextmanager
    def load(self, app: str, url: str, rate: float = _DEFAULT_RATE, **how: Any) -> Iterator[Load]:
        """Constant load from the one pod of an application during the block."""
        with running(self.enter(self.api.pod(app=app), load_command(url, rate, **how))) as load:
            yield load

    def admin(self, pod: Pod) -> Admin:
        """The admin interface of a pod's Envoy."""
        return Admin(admin_socket_of(self._settings, pod.namespace, pod.name))

    def log(self, pod: Pod, container: str = "istio-proxy") -> str:
        """The output of a container, by default of Envoy."""
        files = log_files(self._settings, pod.namespace, pod.name, container)
        return "".join(path.read_text(errors="replace") for path in files)

    @property
    def _settings(self) -> NodeSettings:
        """What the command line works with: it follows the isolation that was written down at the start."""
        return node_settings(self.places)

    @property
    def network(self) -> MeshNetwork:
        """Addresses of the mesh."""
        found = stored_network(StateFolder(self.places.node))
        assert found is not None
        return found

    @property
    def isolation(self) -> Isolation:
        """How its pods are kept apart."""
        return self._settings.isolation

    # ---- what must hold ----------------------------------------------------------------------------------------
    def issues(self) -> list[LocatedIssue]:
        """Everything that is wrong, but for what the isolation is said not to do with these files."""
        return [each for each in self.api.issues() if each.issue.code not in _OF_ISOLATION]

    def check_logs(self) -> None:
        """No Envoy refused anything, unless the test said that one would, and no process failed in itself."""
        controller, _ = self.logs
        nacks = [] if self.nacks_expected else controller.nacks()
        assert nacks == [], "\n".join(nacks[:5])
        errors = [line for log in self.logs for line in log.errors()]
        assert errors == [], "\n".join(errors)

    def members(self) -> list[Process]:
        """Every process of the mesh: by what holds it together, or with its state folder in the command line."""
        return list(dict.fromkeys((*self._held(), *processes.mentioning(str(self.places.state)))))

    def _held(self) -> list[Process]:
        settings = self._settings
        if settings.isolation == "loopback":
            return processes.tagged(f"{TAG_VARIABLE}={settings.mark}/")
        if settings.isolation == "userns":
            return processes.in_user_namespace(holder_pid(settings))
        return processes.in_networks({path.stat().st_ino for path in pinned(self.name)})

    def check_nothing_left(self, members: Sequence[Process]) -> None:
        """No namespace, link, process (of those that were `members`), mount or file of the mesh is left."""
        assert [path.name for path in pinned(self.name)] == []
        assert self.outer.links() == []
        left = {process.pid: processes.command(process.pid)[:6] for process in members if process.alive}
        assert left == {}
        assert processes.mentioning(str(self.places.state)) == []
        assert not self.places.state.exists(), list(self.places.state.rglob("*"))[:20]
        assert str(self.places.state) not in Path("/proc/self/mountinfo").read_text()

    def said(self) -> str:
        """What `weft up` and the mesh's processes wrote, for the message of a failure."""
        texts = [self.output.read_text()] if self.output.exists() else []
        texts += ["\n".join(log.lines()[-30:]) for log in self.logs]
        return "\n---\n".join(texts)

    def _weft(self, *arguments: str) -> tuple[str, ...]:
        place = ("--mesh", self.name, "--state-dir", str(self.places.state))
        return (sys.executable, "-m", "weft.apps.main", *place, *arguments)

    def _check_ready(self, said: int) -> None:
        assert self._up is not None
        assert b"is ready after" in self.output.read_bytes()[said:], self.said()
        if self._up.poll() is not None:
            raise RuntimeError(f"weft up ended with {self._up.returncode}: {self.said()}")

    def _check_settled(self) -> None:
        found = {(p.pod, t.type_url, t.status) for p in self.api.proxies() for t in p.types if t.status != "SYNCED"}
        assert not found, found

    @staticmethod
    def _check(condition: bool) -> None:
        assert condition


@contextlib.contextmanager
def running_mesh(
    label: str, root: Path, manifests: Sequence[Manifest], options: Sequence[str] = ()
) -> Iterator[RunningMesh]:
    """A mesh that is ready; at the end of the block it is taken down, and everything must hold that must."""
    mesh = RunningMesh(label, root, manifests, options)
    mesh.outer.create()
    try:
        mesh.start()
        yield mesh
        members = mesh.members()
        assert members, "the processes of the mesh were not found: nothing would be checked"
        mesh.stop()
        mesh.check_nothing_left(members)
        mesh.check_logs()
    finally:
        mesh.abandon()
        with contextlib.suppress(Exception):
            mesh.weft("down")
        for log in mesh.logs:
            log.close()
        shutil.rmtree(mesh.places.state, ignore_errors=True)
        mesh.outer.remove()
