"""How much the controller gives to proxies at a time: good as it is, and settable by the environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from weft.apps.pushes import PushPacing
from weft.serve.ads.server import Limits
from weft.serve.http2.listener import Entry
from weft.serve.transport import ServerSettings


class LimitError(ValueError):
    """A variable that is no limit; the message says which and why."""


class Variable(Struct, frozen=True):
    """A variable of the environment that sets a limit: a number, `least` or more."""

    name: str
    default: float
    least: float
    meaning: str


RATE: Final = Variable("WEFT_CONNECTIONS_PER_SECOND", Entry().rate, 1, "new connections of proxies a second, at most")
HANDSHAKES: Final = Variable("WEFT_HANDSHAKES", Entry().handshakes, 1, "TLS handshakes under way at a time")
CONNECTIONS: Final = Variable("WEFT_CONNECTIONS", Entry().connections, 1, "connections of proxies; others wait")
STREAMS: Final = Variable("WEFT_STREAMS", Limits().streams, 1, "open streams of all proxies; others are refused")
OF_POD: Final = Variable("WEFT_STREAMS_PER_POD", Limits().streams_of_pod, 1, "open streams of one pod")
ENDPOINTS: Final = Variable(
    "WEFT_ENDPOINT_PUSH_SECONDS",
    PushPacing().endpoints,
    0,
    "time between two pushes of endpoints while they keep changing; the first is sent at once",
)
EVERYTHING: Final = Variable(
    "WEFT_PUSH_SECONDS", PushPacing().everything, 0, "the same for everything else; longer if computing takes longer"
)
LONGEST: Final = Variable(
    "WEFT_PUSH_SECONDS_AT_MOST", PushPacing().longest, 0, "how long everything else is held up by changes that go on"
)
VARIABLES: Final = (ENDPOINTS, EVERYTHING, LONGEST, RATE, HANDSHAKES, CONNECTIONS, STREAMS, OF_POD)


class ServingLimits(Struct, frozen=True):
    """All limits together."""

    pushes: PushPacing = PushPacing()
    streams: Limits = Limits()
    server: ServerSettings = ServerSettings()


def serving_limits(environment: Mapping[str, str]) -> ServingLimits:
    """The limits that the environment says, else the defaults; LimitError where a variable is no such number."""
    value = {each.name: _number(each, environment) for each in VARIABLES}
    entry = Entry(
        rate=value[RATE.name], handshakes=int(value[HANDSHAKES.name]), connections=int(value[CONNECTIONS.name])
    )
    return ServingLimits(
        PushPacing(endpoints=value[ENDPOINTS.name], everything=value[EVERYTHING.name], longest=value[LONGEST.name]),
        Limits(streams=int(value[STREAMS.name]), streams_of_pod=int(value[OF_POD.name])),
        ServerSettings(entry=entry),
    )


def _number(variable: Variable, environment: Mapping[str, str]) -> float:
    text = environment.get(variable.name)
    if not text:
        return variable.default
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not variable.least <= number < float("inf"):
        raise LimitError(f"{variable.name} must be a number, {variable.least:g} or more: not {text!r}")
    return number
