"""Makes the demo's traffic: pages through the gateway, and calls from inside of pods."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Final

from weft.apps.demo.attempts import Attempt, Request, Tried, read_answer
from weft.apps.demo.mesh import RunningMesh
from weft.apps.demo.pages import Page, read_page
from weft.apps.demo.pods import Pod, with_label
from weft.node.http import Answer, Call, HttpError, exchange

_GATEWAY: Final = "127.0.0.1"
_PATIENCE: Final = 15.0
"""Seconds for one request or command."""
_AT_ONCE: Final = 4
_BOOKS: Final = 4
_TESTER: Final = "?as=tester"

_Tally = Callable[[int], None]


async def ask_gateway(port: int, request: Request) -> Answer:
    """What the gateway answers; the status is 0 where no answer came, and the body says why."""
    call = Call(target=request.path, method=request.method, host=request.host)
    try:
        async with asyncio.timeout(_PATIENCE):
            reader, writer = await asyncio.open_connection(_GATEWAY, port)
            return await exchange(reader, writer, call)
    except TimeoutError:
        return Answer(0, b"no answer in time")
    except (OSError, HttpError) as error:
        return Answer(0, str(error).encode())


async def ask_pages(port: int, count: int, *, tester: bool = False, tally: _Tally = lambda _: None) -> tuple[Page, ...]:
    """Asks for pages, several at once; `tally` hears how many came."""
    paths = iter([f"/api/products/{number % _BOOKS + 1}{_TESTER if tester else ''}" for number in range(count)])
    pages: list[Page] = []

    async def ask_on(mine: Iterator[str]) -> None:
        for path in mine:
            pages.append(_page(await ask_gateway(port, Request(path))))
            tally(len(pages))

    await asyncio.gather(*(ask_on(paths) for _ in range(_AT_ONCE)))
    return tuple(pages)


def _page(answer: Answer) -> Page:
    return read_page(answer.status, answer.body) if answer.status else Page(0, answer.body.decode())


async def make_attempts(
    mesh: RunningMesh, pods: Sequence[Pod], attempts: Sequence[Attempt], *, port: int
) -> tuple[Tried, ...]:
    """Makes all attempts, and says what their callers got."""
    answers = await asyncio.gather(*(_attempt(mesh, pods, attempt, port=port) for attempt in attempts))
    return tuple(Tried(attempt, answer) for attempt, answer in zip(attempts, answers, strict=True))


async def _attempt(mesh: RunningMesh, pods: Sequence[Pod], attempt: Attempt, *, port: int) -> str:
    if attempt.request is not None:
        answer = await ask_gateway(port, attempt.request)
        return str(answer.status) if answer.status else answer.body.decode()
    pod = with_label(pods, attempt.caller)
    if pod is None:
        return f"there is no pod of {attempt.caller}"
    async with _running(mesh.exec_vector(pod, attempt.command)) as process:
        try:
            output = await asyncio.wait_for(process.stdout.read(), _PATIENCE) if process.stdout else b""
        except TimeoutError:
            return "no answer in time"
        return read_answer(output.decode(errors="replace"), await process.wait())


@contextlib.asynccontextmanager
async def _running(vector: Sequence[str]) -> AsyncIterator[asyncio.subprocess.Process]:
    """A command with both of its outputs as one; it does not outlive the block."""
    process = await asyncio.create_subprocess_exec(
        *vector,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
