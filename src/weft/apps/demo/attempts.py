"""What is tried besides the pages, by whom, and how what comes back is to be read."""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct

from weft.apps.demo.calls import Outcome

DATA: Final = "data"
CLOSED: Final = ("closed", "reset")
"""How a connection ends that a sidecar does not take."""

_ANSWER: Final = re.compile(r"^\S+: (?:(?P<status>\d{3})|no answer (?P<reason>.*))")
_RESET: Final = "reset by peer"
_CLOSED: Final = re.compile("closed (the )?connection")


class Request(Struct, frozen=True):
    """A request to the gateway."""

    path: str
    method: str = "GET"
    host: str = "bookshop.example"


class Attempt(Struct, frozen=True, kw_only=True):
    """A call, and what should become of it.

    `caller` and `called` are as the proxy of the called pod sees them; `what` is shown beside `called` where that alone
    does not tell. It is made by a command in the caller's pod, or a request to the gateway. `answers` are those that
    the caller may get; `policies` those by which it is refused.
    """

    caller: str
    called: str
    answers: tuple[str, ...]
    outcome: Outcome
    policies: tuple[str, ...] = ()
    what: str = ""
    command: tuple[str, ...] = ()
    request: Request | None = None


class Tried(Struct, frozen=True):
    """An attempt and what its caller got: a status, `data`, `closed`, `reset`, or else what it said."""

    attempt: Attempt
    answer: str


def visit(*urls: str) -> tuple[str, ...]:
    """The command that asks for pages."""
    return ("python3", "-m", "bookshop.visitor", *urls)


def ask_store(command: str) -> tuple[str, ...]:
    """The command that asks the store over TCP."""
    return ("python3", "-m", "bookshop.ask", *command.split())


def read_answer(output: str, code: int) -> str:
    """What a command's caller got, by what it printed and its exit status."""
    found = _ANSWER.match(output)
    if found and found["status"]:
        return found["status"]
    if _RESET in output:
        return "reset"
    if _CLOSED.search(output):
        return "closed"
    return DATA if code == 0 else " ".join(output.split())[:60]
