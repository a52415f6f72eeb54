"""Progress of a mesh that starts: what is there, what is awaited, until every pod is ready."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec import Struct

from weft.base.places import Places
from weft.cli.unix_http import NoAnswerError, Request, ask

_LOOK: Final = 0.1


class NotReadyError(Exception):
    """The mesh did not become ready in time; the message says what was missing."""


class Readiness(Struct, frozen=True):
    """How far a mesh is: pods that are wanted and ready, and what the others wait for."""

    wanted: int
    ready: int
    waiting: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether all pods are ready."""
        return self.wanted == self.ready


Show = Callable[[float, Readiness | None], None]
"""Is told seconds since the start, and how far the mesh is."""


async def until_ready(places: Places, show: Show, *, limit: float) -> float:
    """Waits until all pods are ready, and shows each step; returns the seconds that it took. Raises NotReadyError."""
    started = time.monotonic()
    shown = ""
    now: Readiness | None = None
    while (seconds := time.monotonic() - started) < limit:
        now = await asyncio.to_thread(readiness, places)
        text = describe(now)
        if text != shown:
            show(seconds, now)
            shown = text
        if now is not None and now.complete:
            return seconds
        await asyncio.sleep(_LOOK)
    raise NotReadyError(describe(now))


def readiness(places: Places) -> Readiness | None:
    """How far the mesh is; None while its controller does not answer."""
    pods, status = get(places, "/v1/objects/pods"), get(places, "/v1/status")
    if pods is None or status is None:
        return None
    waiting = tuple(_reason(pod) for pod in pods["items"] if not _is_ready(pod) and not _has_ended(pod))
    return Readiness(status["pods"]["wanted"], status["pods"]["ready"], waiting)


def get(places: Places, target: str) -> Any:
    """An answer of the controller; None while it does not answer."""
    try:
        answer = ask(places.controller_socket, Request(target))
    except NoAnswerError:
        return None
    return msgspec.json.decode(answer.body) if answer.status == 200 else None


def _is_ready(pod: dict[str, Any]) -> bool:
    conditions = pod["status"].get("conditions", ())
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _has_ended(pod: dict[str, Any]) -> bool:
    """Nobody waits for a pod whose work is done, or has failed for good."""
    return pod["status"].get("phase") in ("Succeeded", "Failed")


def _reason(pod: dict[str, Any]) -> str:
    name = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
    states = [container["state"] for container in pod["status"].get("containerStatuses", ())]
    said = [each for state in states if (each := state.get("waiting") or state.get("terminated")) and each["reason"]]
    # What only waits for others says nothing of what they wait for.
    first = min(said, key=lambda each: each["reason"] == "ContainerCreating", default=None)
    return f"{name}: {first['reason']} {first.get('message', '')}".rstrip() if first else name


def describe(now: Readiness | None) -> str:
    """How far a mesh is, in one line."""
    if now is None:
        return "waiting for the controller"
    rest = f"; waiting for {', '.join(now.waiting[:3])}" if now.waiting else ""
    more = f" and {len(now.waiting) - 3} more" if len(now.waiting) > 3 else ""
    return f"{now.ready} of {now.wanted} pods ready{rest}{more}"
