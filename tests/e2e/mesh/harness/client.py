"""Calls from inside of a pod, or from the machine: real requests with their real answers."""

import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct
from tests.e2e.mesh.harness.commands import run

APPLICATIONS: Final = Path(__file__).parents[1] / "applications"
_CALLER: Final = re.compile(r"URI=spiffe://([^;,]+)")
_CLIENT_LIMIT: Final = 90.0


class Call(Struct, frozen=True, kw_only=True):
    """What to call; the fields are those of `applications/fetch.py`."""

    url: str
    method: str = "GET"
    headers: dict[str, str] = {}
    body: str | None = None
    timeout: float = 10.0
    repeat: int = 1
    fresh: bool = False
    parallel: bool = False


class Response(Struct, frozen=True):
    """What came back. `status` is 0 where there was no answer; then `error` says why."""

    status: int
    headers: dict[str, str]
    body: str
    error: str
    seconds: float

    @property
    def told(self) -> dict[str, Any]:
        """What the test server says of the request."""
        assert self.body.startswith("{"), f"not the test server's answer: {self}"
        told: dict[str, Any] = msgspec.json.decode(self.body)
        return told

    @property
    def version(self) -> str:
        """Version of the server that answered."""
        return self.headers.get("x-version", "")

    @property
    def pod(self) -> str:
        """Pod of the server that answered."""
        return self.headers.get("x-pod", "")

    @property
    def caller(self) -> str:
        """The identity by which the server's sidecar knows the caller, without scheme; empty if it knows none."""
        found = _CALLER.search(self.told["headers"].get("x-forwarded-client-cert", ""))
        return found[1] if found else ""


class Client:
    """Makes calls from one place. `enter` gives the command line that runs a program there."""

    def __init__(self, enter: Callable[[tuple[str, ...]], list[str]]) -> None:
        self._enter = enter

    def call_all(self, calls: Iterable[Call]) -> list[list[Response]]:
        """Makes calls one after the other; the responses of each, for it may be repeated."""
        command = self._enter((sys.executable, "-S", str(APPLICATIONS / "fetch.py")))
        said = run(command, stdin=msgspec.json.encode(list(calls)).decode(), timeout=_CLIENT_LIMIT)
        return msgspec.json.decode(said, type=list[list[Response]])

    def call(self, url: str, **how: Any) -> Response:
        """Makes one call; `how` are further fields of `Call`."""
        return self.call_all([Call(url=url, **how)])[0][0]

    def repeat(self, url: str, times: int, **how: Any) -> list[Response]:
        """Makes the same call several times."""
        return self.call_all([Call(url=url, repeat=times, **how)])[0]

    def run(self, *command: str) -> str:
        """Runs a program there, and returns its output."""
        return run(self._enter(command))

    def results(self, calls: Mapping[str, Call]) -> dict[str, int]:
        """The statuses of named calls."""
        return {name: found[0].status for name, found in zip(calls, self.call_all(calls.values()), strict=True)}


def versions(responses: Iterable[Response]) -> Counter[str]:
    """How many answers each version gave; those without an answer, or with another status than 200, by that."""
    return Counter(r.version if r.status == 200 else r.error or str(r.status) for r in responses)
