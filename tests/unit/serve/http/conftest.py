"""The API on a real socket over a real controller."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.unit.apps.controller import NAMESPACE, WEB, Controller

from weft.cli.unix_http import Request, ask
from weft.serve.http.app import create_app
from weft.serve.http.server import serving

Ask = Callable[..., Coroutine[Any, Any, tuple[int, Any]]]


@pytest.fixture
def controller(tmp_path: Path) -> Controller:
    """A controller with a Namespace, a Deployment and a Service."""
    found = Controller(tmp_path)
    found.write("objects.yaml", f"{NAMESPACE}---{WEB}")
    return found


@pytest.fixture
async def api(controller: Controller, tmp_path: Path) -> AsyncIterator[Ask]:
    """Asks the API: `(method, target, body)` gives status and value."""
    socket = tmp_path / "socket"

    async def call(method: str, target: str, body: Any = None) -> tuple[int, Any]:
        data = body if isinstance(body, bytes) else b"" if body is None else msgspec.json.encode(body)
        answer = await asyncio.to_thread(ask, socket, Request(target, method, data))
        return answer.status, msgspec.json.decode(answer.body) if answer.body else None

    pushing = asyncio.create_task(controller.state.pushes.run())
    async with serving(create_app(*[controller.state] * 4), socket):
        yield call
        controller.state.end()
    pushing.cancel()
    await asyncio.gather(pushing, return_exceptions=True)
