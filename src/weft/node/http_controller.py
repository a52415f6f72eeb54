"""The controller's API over its unix socket: HTTP with JSON.

GET /v1/node/orders?after=<revision> answers with NodeOrders, or 204 after at most 30 s without a newer revision;
POST /v1/node/reports takes a list of PodReport; POST /v1/node/credentials takes {"uid": ...}, answers Credentials.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from weft.model.local import Credentials, NodeOrders, PodReport
from weft.node.backoff import retry_pauses
from weft.node.controller import ControllerError
from weft.node.http import Answer, Call, HttpError
from weft.node.unix_http import ask

_log: Final = logging.getLogger(__name__)
_T = TypeVar("_T")

_LONG_POLL: Final = 30.0
_TIMEOUT: Final = 10.0
_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 2.0


class HttpController:
    """The controller behind a unix socket."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    async def orders(self) -> AsyncIterator[NodeOrders]:
        """The orders, and again whenever they change. Never ends: it waits for a controller that is away."""
        # After a failure another controller may answer, whose revisions have nothing to do with the former one's.
        revision: int | None = None
        pauses = retry_pauses(_FIRST_PAUSE, _LONGEST_PAUSE)
        while True:
            try:
                orders = await self._poll(revision)
            except ControllerError as error:
                _log.debug("waiting for the controller: %s", error)
                revision = None
                await asyncio.sleep(next(pauses))
                continue
            pauses = retry_pauses(_FIRST_PAUSE, _LONGEST_PAUSE)
            if orders is not None:
                revision = orders.revision
                yield orders

    async def report(self, reports: Sequence[PodReport]) -> None:
        """Says how pods are. Raises ControllerError."""
        await self._ask(Call(method="POST", target="/v1/node/reports", body=msgspec.json.encode(reports)))

    async def credentials(self, uid: str) -> Credentials:
        """New credentials for the Envoy of a pod. Raises ControllerError."""
        answer = await self._ask(
            Call(method="POST", target="/v1/node/credentials", body=msgspec.json.encode({"uid": uid}))
        )
        return _decoded(answer, Credentials)

    async def _poll(self, revision: int | None) -> NodeOrders | None:
        query = "" if revision is None else f"?after={revision}"
        answer = await self._ask(Call(target=f"/v1/node/orders{query}"), timeout=_LONG_POLL + _TIMEOUT)
        return None if answer.status == 204 else _decoded(answer, NodeOrders)

    async def _ask(self, call: Call, timeout: float = _TIMEOUT) -> Answer:  # noqa: ASYNC109
        try:
            async with asyncio.timeout(timeout):
                answer = await ask(self._socket, call)
        except TimeoutError as error:
            raise ControllerError(f"{call.method} {call.target}: no answer within {timeout:.0f} s") from error
        except (OSError, HttpError) as error:
            raise ControllerError(f"{call.method} {call.target}: {error}") from error
        if not 200 <= answer.status < 300:
            raise ControllerError(f"{call.method} {call.target}: status {answer.status}: {answer.body[:500]!r}")
        return answer


def _decoded(answer: Answer, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except msgspec.DecodeError as error:
        raise ControllerError(f"the controller's answer can't be read: {error}") from error
