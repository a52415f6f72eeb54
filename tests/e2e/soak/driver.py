"""Changes a mesh at random, one part after the other, and keeps account of what was done when."""

import contextlib
import time
from collections.abc import Iterator
from random import Random
from typing import Final

import yaml
from msgspec import Struct
from tests.e2e.mesh.harness.folder import text_of
from tests.e2e.mesh.harness.load import Load, load_command, running
from tests.e2e.mesh.harness.mesh import RunningMesh
from tests.e2e.mesh.harness.waiting import eventually
from tests.e2e.soak.changes import Drawn, states
from tests.e2e.soak.figures import Statistics
from tests.e2e.soak.shop import FRONT, GATEWAY_PORT, LOADS, LoadPlan

KILL: Final = "kill the controller"
_KILLS: Final = 0.04
"""The share of steps that kill the controller."""
_SETTLES: Final = 0.6
"""The share of steps after which all proxies are waited for; after the others the next one overlaps."""
_OVERLAP: Final = 0.7
_PATIENCE: Final = 90.0
_ALWAYS: Final = ("replicas", "slices", "gateway")
"""Parts without which the loads have nobody to call: a file that is gone for a moment is gone."""
_SAMPLES: Final = 3.0
"""Seconds between two looks at statistics."""


class Step(Struct, frozen=True):
    """What was done: the part and its new state as text, from when to when (Unix seconds)."""

    began: float
    ended: float
    part: str
    state: str


class Soak:
    """A mesh with its parts at rest; `steps` is what was done to it."""

    def __init__(self, mesh: RunningMesh, seed: int) -> None:
        self.mesh = mesh
        self.steps: list[Step] = []
        self.statistics = Statistics(mesh)
        self._random = Random(seed)
        steady = [pod.address for pod in mesh.api.pods(app="steady")]
        self._states = states(steady)

    def rest(self) -> None:
        """Brings every part to the state that it begins with, and waits for all that follows."""
        for part, draw in self._states.items():
            self._write(part, draw(Random(1)) if part in _ALWAYS else [])
        self._await_all()

    def run(self, seconds: float) -> None:
        """Changes parts until the time is up."""
        now = sampled = time.monotonic()
        end = now + seconds
        while now < end:
            self.step()
            now = time.monotonic()
            if now - sampled > _SAMPLES:
                self.statistics.sample()
                sampled = now

    def step(self) -> None:
        """One change, of a part or in the life of the controller."""
        began = time.time()
        if self._random.random() < _KILLS:
            part, state = KILL, ""
            self._kill()
        else:
            part = self._random.choice(tuple(self._states))
            drawn = self._states[part](self._random)
            state = text_of(drawn) if drawn else "(nothing)"
            self._write(part, drawn)
            if part == "bad":
                self._await_errors(drawn)
        if self._random.random() < _SETTLES:
            self._settle()
        else:
            time.sleep(self._random.random() * _OVERLAP)
        self.steps.append(Step(began, time.time(), part, state))

    def around(self, at: float) -> str:
        """What was done in the seconds before a time, for the message of a failure."""
        near = [each for each in self.steps if each.began - 1.0 <= at <= each.ended + 8.0]
        return "\n".join(
            f"[{each.began - at:+.2f} to {each.ended - at:+.2f} s] {each.part}\n{each.state}" for each in near
        )

    def _write(self, part: str, drawn: Drawn) -> None:
        name = f"60-{part}.yaml"
        if drawn:
            self.mesh.folder.write(name, drawn)
        elif (self.mesh.folder.path / name).exists():
            self.mesh.folder.delete(name)

    def _kill(self) -> None:
        former = self.mesh.process("controller")
        former.kill()

        def check_back() -> None:
            assert self.mesh.process("controller") != former
            self.mesh.api.get("/v1/status")

        eventually(check_back, within=_PATIENCE)

    def _settle(self) -> None:
        """Waits until all Envoys are connected and have taken all that there is for them, and pods are as asked for."""
        eventually(self._check_settled, within=_PATIENCE)

    def _check_settled(self) -> None:
        expected = {pod.name for pod in self.mesh.api.pods() if "istio-proxy" in pod.units}
        proxies = self.mesh.api.proxies()
        assert expected <= {proxy.pod for proxy in proxies}
        waits = {(p.pod, t.type_url, t.status) for p in proxies for t in p.types if t.status != "SYNCED"}
        assert not waits, waits

    def _await_all(self) -> None:
        """The same, and until the pods are those of the files."""

        def check() -> None:
            files = self.mesh.folder.path.glob("*.yaml")
            objects = [each for file in files for each in yaml.safe_load_all(file.read_text()) if each]
            wanted = sum(each["spec"].get("replicas", 1) for each in objects if each["kind"] == "Deployment")
            pods = self.mesh.api.pods()
            assert [pod.ready for pod in pods] == [True] * wanted, [pod.name for pod in pods]
            self._check_settled()

        eventually(check, within=_PATIENCE)

    def _await_errors(self, drawn: Drawn) -> None:
        """Each bad object is refused with one error, and nothing else is wrong with any of them."""

        def check() -> None:
            refs = [found.issue.ref for found in self.mesh.issues()]
            names = [ref.name for ref in refs if ref is not None and ref.name.startswith("bad-")]
            assert sorted(names) == sorted(each["metadata"]["name"] for each in drawn), names

        eventually(check, within=_PATIENCE)


@contextlib.contextmanager
def loads(mesh: RunningMesh) -> Iterator[dict[str, Load]]:
    """All loads, by name."""
    with contextlib.ExitStack() as stack:
        mesh.await_machine(f"http://127.0.0.1:{GATEWAY_PORT}/", 200, headers={"host": FRONT})
        yield {plan.name: stack.enter_context(running(_command(mesh, plan))) for plan in LOADS}


def _command(mesh: RunningMesh, plan: LoadPlan) -> list[str]:
    command = load_command(plan.url, plan.rate, **plan.how)
    if plan.of == "machine":
        return mesh.outer.inside(*command)
    return mesh.enter(mesh.api.pod(app=plan.of), command)
