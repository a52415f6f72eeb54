"""The way through the running bookshop: wait, make traffic, try what must not work, and read what was logged."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Final

from msgspec import Struct

from weft.apps.demo import expected
from weft.apps.demo.addressed import at_proxies, past_proxies
from weft.apps.demo.attempts import Tried
from weft.apps.demo.calls import calls_of
from weft.apps.demo.checks import Check, check
from weft.apps.demo.mesh import InForce, RunningMesh
from weft.apps.demo.observation import Observation
from weft.apps.demo.pages import Page
from weft.apps.demo.pods import Pod, with_label
from weft.apps.demo.steps import Steps
from weft.apps.demo.traffic import ask_pages, make_attempts
from weft.apps.progress import NotReadyError, Readiness, until_ready
from weft.base.places import Places
from weft.cli.errors import Failure

PAGES: Final = 400
TESTER_PAGES: Final = 20

_SETTLING: Final = 15.0
"""Seconds after which Envoys should have what follows from the last pod's readiness, and answer."""
_LOGGING: Final = 3.0
"""Seconds after which everything should be in the logs."""
_PAUSE: Final = 0.2
_NAMED: Final = 3


class Traffic(Struct, frozen=True):
    """What was asked for since `began` (Unix seconds), and what came back."""

    began: float
    pages: tuple[Page, ...]
    tester_pages: tuple[Page, ...]
    allowed: tuple[Tried, ...]
    refused: tuple[Tried, ...]
    passed_by: tuple[Tried, ...] = ()


async def take_tour(
    places: Places, steps: Steps, *, port: int, patience: float
) -> tuple[Observation, tuple[Check, ...]]:
    """Goes through the bookshop as soon as it is ready, which may take `patience` seconds. Raises Failure."""
    await _ready(places, steps, patience)
    mesh = RunningMesh(places)
    pods = await mesh.pods()
    await _settled(mesh, pods, port)
    traffic = await _make_traffic(mesh, pods, steps, port=port)
    steps.begin("read what the Envoys have logged")
    in_force = {pod.label: await mesh.in_force(pod) for pod in _refusing(pods)}
    seen = await _observe(mesh, pods, traffic, in_force)
    steps.end()
    return seen, check(seen)


async def _ready(places: Places, steps: Steps, patience: float) -> None:
    begun = False

    def show(_: float, now: Readiness | None) -> None:
        nonlocal begun
        if now is None:
            return
        if not begun:
            steps.begin("start pods, each with its Envoy", now.wanted)
            begun = True
        steps.advance(now.ready, now.wanted, note=awaited(now.waiting))

    steps.begin("start the controller")
    try:
        await until_ready(places, show, limit=patience)
    except NotReadyError as error:
        hint = f"`weft demo --keep` leaves logs, among others in {places.state / 'logs'}"
        raise Failure(f"the bookshop was not ready after {patience:.0f} s: {error}", hint=hint) from error


def awaited(waiting: tuple[str, ...]) -> str:
    """Names of pods, without what makes them unique: `bookshop/details-<hash>-<hash>: ...` is details."""
    names = [text.partition(":")[0].rpartition("/")[2].rsplit("-", 2)[0] for text in waiting]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"waiting for {', '.join(names[:_NAMED])}{more}" if names else ""


async def _settled(mesh: RunningMesh, pods: tuple[Pod, ...], port: int) -> None:
    """Waits until every Envoy knows of the last pod and a page is complete. If that does not come, checks will say."""

    async def is_settled() -> bool:
        return await mesh.settled(pods) and not (await ask_pages(port, 1))[0].problem

    await _until(is_settled, _SETTLING)


async def _make_traffic(mesh: RunningMesh, pods: tuple[Pod, ...], steps: Steps, *, port: int) -> Traffic:
    began = time.time()
    steps.begin("ask the gateway for pages", PAGES)
    pages = await ask_pages(port, PAGES, tally=steps.advance)
    tester_pages = await ask_pages(port, TESTER_PAGES, tester=True)
    parts = (expected.ALLOWED, at_proxies(expected.REFUSED, pods), past_proxies(expected.REFUSED, pods))
    steps.begin("try what is allowed, and what is not", sum(map(len, parts)))
    allowed, refused, passed_by = [await make_attempts(mesh, pods, part, port=port) for part in parts]
    return Traffic(began, pages, tester_pages, allowed, refused, passed_by)


def _refusing(pods: tuple[Pod, ...]) -> list[Pod]:
    labels = dict.fromkeys(attempt.called for attempt in expected.REFUSED)
    found = (with_label(pods, label) for label in labels)
    return [pod for pod in found if pod is not None]


async def _observe(
    mesh: RunningMesh, pods: tuple[Pod, ...], traffic: Traffic, in_force: dict[str, InForce]
) -> Observation:
    """Reads the logs until all that is expected is there. If something is missing for good, checks will say."""
    seen: list[Observation] = []

    async def is_complete() -> bool:
        seen.append(await _look(mesh, pods, traffic, in_force))
        return not any(found.problem for found in check(seen[-1]))

    await _until(is_complete, _LOGGING)
    return seen[-1]


async def _look(
    mesh: RunningMesh, pods: tuple[Pod, ...], traffic: Traffic, in_force: dict[str, InForce]
) -> Observation:
    lines = await mesh.logged(pods, traffic.began)
    status = await mesh.status()
    return Observation(
        pages=traffic.pages,
        tester_pages=traffic.tester_pages,
        allowed=traffic.allowed,
        refused=traffic.refused,
        passed_by=traffic.passed_by,
        calls=calls_of(lines, pods),
        in_force=in_force,
        refused_configurations=status.nacks,
        unsettled=not await mesh.settled(pods),
    )


async def _until(condition: Callable[[], Awaitable[bool]], limit: float) -> None:
    """Waits for a condition, but not for ever."""
    end = time.monotonic() + limit
    for _ in count():
        if await condition() or time.monotonic() > end:
            return
        await asyncio.sleep(_PAUSE)
