"""The controller under test: the process that `weft up` starts, with the same command, and without a node process.

We do what a node process does, by the controller's own API: fetch the orders, report the pods as running, and get each
its token and the root certificate. So the controller knows no difference, and no pod has to run.
"""

import compileall
import contextlib
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
import yaml
from benchmarks.ads.job import Job, ProxyJob
from benchmarks.control import objects
from benchmarks.control.objects import Shape
from msgspec import Struct

import weft
from weft.apps.bootstraps import SERVER_NAME, XDS_PORT
from weft.apps.mesh_children import controller_child
from weft.apps.up_options import UpOptions
from weft.base import protobuf
from weft.base.places import Places
from weft.cli.unix_http import NoAnswerError, Request, ask
from weft.model.local import Credentials, NodeOrders, PodOrder, PodReport
from weft.node.addresses import MeshNetwork

_NETWORK: Final = MeshNetwork("", (ip_network("10.244.0.0/16"),))
_ISOLATED: Final = 'ip link set lo up && ip address add "$0" dev lo && exec "$@"'
_LIMIT: Final = 300.0
_LOOK: Final = 0.05
_PATIENCE: Final = 300.0


By = Literal["files", "commands"]
"""How changes are made: by saving a file of the mesh, or as `weft apply` does, over the controller's API."""


class ServerError(Exception):
    """The controller did not start, or refused something; the message holds what it said."""


class Server(Struct, frozen=True):
    """A running controller; `ready` is how many seconds it took to serve, `by` how it is changed."""

    pid: int
    places: Places
    folder: Path
    ready: float
    by: By = "files"

    def change(self, name: str, text: str) -> float:
        """Saves a file of the mesh, or applies the objects in it; returns the time of CLOCK_MONOTONIC just before.

        Raises OSError, NoAnswerError.
        """
        return self._save(name, text) if self.by == "files" else self._apply(text)

    def _apply(self, text: str) -> float:
        bodies = [msgspec.json.encode(each) for each in yaml.load_all(text, yaml.CSafeLoader)]
        began = time.monotonic()
        for body in bodies:
            ask(self.places.controller_socket, Request("/v1/objects", "POST", body), _PATIENCE)
        return began

    def _save(self, name: str, text: str) -> float:
        new = self.folder / f".{name}.new"
        new.write_text(text)
        saved = time.monotonic()
        new.replace(self.folder / name)
        return saved

    def follow_orders(self) -> None:
        """Asks for the orders whenever they change, as a node process does, until the controller ends."""
        revision = ""
        with contextlib.suppress(NoAnswerError):
            while True:
                answer = ask(self.places.controller_socket, Request(f"/v1/node/orders{revision}"), _PATIENCE)
                if answer.body:
                    revision = f"?after={msgspec.json.decode(answer.body, type=_Revision).revision}"

    def job(self, count: int) -> Job:
        """Returns the job of proxies for all pods. Raises ServerError."""
        pods = [pod for pod in self.orders().pods if pod.proxy is not None]
        if len(pods) != count:
            raise ServerError(f"there are {len(pods)} pods with a proxy, not {count}")
        reports = [PodReport(uid=pod.uid, phase="Running", ready=True, started=int(time.time())) for pod in pods]
        self._post("reports", reports)
        given = [self._credentials(pod) for pod in pods]
        return Job(
            host=str(_NETWORK.gateway),
            port=XDS_PORT,
            proxies=tuple(ProxyJob(node(pod), each.token) for pod, each in zip(pods, given, strict=True)),
            roots=given[0].root,
            server_name=SERVER_NAME,
        )

    def orders(self) -> NodeOrders:
        """Returns the orders to the node process."""
        body = ask(self.places.controller_socket, Request("/v1/node/orders"), _PATIENCE).body
        return msgspec.json.decode(body, type=NodeOrders)

    def _credentials(self, pod: PodOrder) -> Credentials:
        return msgspec.json.decode(self._post("credentials", {"uid": pod.uid}), type=Credentials)

    def _post(self, what: str, body: Any) -> bytes:
        request = Request(f"/v1/node/{what}", "POST", msgspec.json.encode(body))
        answer = ask(self.places.controller_socket, request, _PATIENCE)
        if answer.status >= 300:
            raise ServerError(f"the controller refused {what}: {answer.body.decode()}")
        return answer.body


class _Revision(Struct):
    """Orders, as far as they have to be read to ask for the next ones."""

    revision: int


def node(pod: PodOrder) -> bytes:
    """Returns the envoy.config.core.v3.Node that the pod's Envoy would tell of itself."""
    if pod.proxy is None:
        raise ServerError(f"pod {pod.name} has no proxy")
    bootstrap = msgspec.json.decode(pod.proxy.bootstrap)
    return protobuf.serialize(protobuf.from_dict("envoy.config.core.v3.Node", bootstrap["node"]))


@contextmanager
def serving(shape: Shape, place: Path, by: By = "files") -> Iterator[Server]:
    """Runs a controller on a network of its own until the end of the block. Raises ServerError.

    It finds its bytecode as an installed Weft does: a clone may have none, or be told to keep none.
    """
    compileall.compile_dir(Path(weft.__file__).parent, quiet=1)
    folder, places = place / "mesh", Places("bench", place / "state")
    folder.mkdir()
    places.state.mkdir(mode=0o700)
    for name, text in objects.files(shape):
        (folder / name).write_text(text)
    command = controller_child(UpOptions(places=places, folder=folder), _NETWORK).command()
    output = place / "controller.log"
    started = time.monotonic()
    with output.open("wb") as file:
        process = subprocess.Popen(isolated(command), stdout=file, stderr=file)
    try:
        _await_ready(process, places, output)
        yield Server(process.pid, places, folder, time.monotonic() - started, by)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def isolated(command: Sequence[str]) -> list[str]:
    """Returns a command that runs another in a network with only a loopback device, which has the mesh's address."""
    return ["unshare", "--net", "--", "sh", "-c", _ISOLATED, f"{_NETWORK.gateway}/32", *command]


def _await_ready(process: subprocess.Popen[bytes], places: Places, output: Path) -> None:
    end = time.monotonic() + _LIMIT
    while True:
        try:
            ask(places.controller_socket, Request("/v1/status"), _PATIENCE)
        except NoAnswerError:
            if process.poll() is not None or time.monotonic() > end:
                raise ServerError(f"the controller did not start:\n{output.read_text()}") from None
            time.sleep(_LOOK)
        else:
            return
