"""Kinds of load, the programs that make them, and what these say in the end.

h2load (nghttp2) makes requests over connections that stay, wrk one request for each connection.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Literal

from benchmarks.lab.samples import percentile
from msgspec import Struct

Kind = Literal["requests", "rate", "bodies", "connections"]

LARGE_BODY: Final = 2**20
"""Bytes of a large body."""

RATE: Final = 1_000
"""Requests a second where the rate is fixed, over all connections: little enough for latency to hold no queueing for
processors."""

WARM_UP: Final = 0.3
"""Seconds for connections to open, and their requests not to count, where connections stay."""

_RATE_CONNECTIONS: Final = 20
_CLOSED_CONNECTIONS: Final = 16
_GRPC_HEADERS: Final = ("content-type: application/grpc", "te: trailers")
_DONE: Final = re.compile(r"^requests: .* (\d+) succeeded, (\d+) failed, (\d+) errored", re.M)
_WRK_DONE: Final = re.compile(r"^\s*(\d+) requests in ([0-9.]+)(ms|s|m)", re.M)
_WRK_LATENCY: Final = re.compile(r"^\s*(50|99)%\s+([0-9.]+)(us|ms|s|m)\s*$", re.M)
_WRK_ERRORS: Final = re.compile(r"^\s*(Socket errors:.*|Non-2xx.*)$", re.M)
_MILLISECONDS: Final = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 60e3}


class LoadError(Exception):
    """Requests failed: the figures would be of something else."""


class Load(Struct, frozen=True, kw_only=True):
    """What is sent: `protocol` names it for readers, `port` is the server's, `http2` whether clients speak HTTP/2.

    `connections` stay open with `streams` requests at once in each.
    """

    name: str
    protocol: str
    kind: Kind
    port: int
    path: str = "/"
    http2: bool = False
    grpc: bool = False
    connections: int = 32
    streams: int = 1


class Outcome(Struct, frozen=True):
    """What a load came to: requests, seconds, and milliseconds that half and 99 of 100 requests took at most."""

    requests: int
    seconds: float
    p50: float
    p99: float


_PROTOCOLS: Final = (
    Load(name="http1", protocol="HTTP/1.1", kind="requests", port=8080),
    Load(name="http2", protocol="HTTP/2", kind="requests", port=8082, http2=True, connections=4, streams=8),
    Load(
        name="grpc",
        protocol="gRPC",
        kind="requests",
        port=9090,
        path="/bench.Echo/Say",
        http2=True,
        grpc=True,
        connections=4,
        streams=8,
    ),
    Load(name="tcp", protocol="TCP", kind="requests", port=7000),
)


def loads() -> tuple[Load, ...]:
    """Returns all loads: as many requests as can be, a fixed rate, large bodies, new connections."""
    return (
        *_PROTOCOLS,
        *(_fixed_rate(load) for load in _PROTOCOLS),
        Load(name="bodies", protocol="HTTP/1.1", kind="bodies", port=8080, path="/large", connections=8),
        Load(
            name="bodies-http2", protocol="HTTP/2", kind="bodies", port=8082, path="/large", http2=True, connections=8
        ),
        Load(name="connections", protocol="HTTP/1.1", kind="connections", port=8080, connections=_CLOSED_CONNECTIONS),
        Load(name="connections-tcp", protocol="TCP", kind="connections", port=7000, connections=_CLOSED_CONNECTIONS),
    )


def _fixed_rate(load: Load) -> Load:
    return Load(
        name=f"{load.name}-rate",
        protocol=load.protocol,
        kind="rate",
        port=load.port,
        path=load.path,
        http2=load.http2,
        grpc=load.grpc,
        connections=_RATE_CONNECTIONS,
    )


def warm_up(load: Load) -> float:
    """Returns the seconds of a load that do not count."""
    return 0.0 if load.kind == "connections" else WARM_UP


def command(load: Load, address: str, host: str, *, seconds: float, folder: Path) -> list[str]:
    """Returns the command that makes a load for some seconds.

    It connects to `address` (with port) and asks for `host`. `prepare` must have made the files in `folder`.
    """
    if load.kind == "connections":
        close = ["--header", "connection: close", "--header", f"Host: {host}"]
        counts = ["--threads", "1", "--connections", str(load.connections), "--duration", f"{max(1, round(seconds))}s"]
        return ["wrk", *counts, "--latency", *close, f"http://{address}{load.path}"]
    rate = [f"--rps={RATE / load.connections:g}"] if load.kind == "rate" else []
    body = ["-d", str(folder / "message"), *(word for h in _GRPC_HEADERS for word in ("-H", h))] if load.grpc else []
    return [
        *["h2load", "--warm-up-time", _milliseconds(WARM_UP), "--duration", _milliseconds(seconds)],
        *([] if load.http2 else ["--h1"]),
        *["-c", str(load.connections), "-m", str(load.streams), *rate, *body],
        *["--log-file", str(_record(folder)), "--connect-to", address, f"http://{host}:{load.port}{load.path}"],
    ]


def _milliseconds(seconds: float) -> str:
    return f"{round(seconds * 1_000)}ms"


def prepare(folder: Path) -> None:
    """Makes the file that calls of gRPC send, and removes the last record of requests: h2load would add to it."""
    (folder / "message").write_bytes(grpc_message(b"a" * 16))
    _record(folder).unlink(missing_ok=True)


def grpc_message(content: bytes) -> bytes:
    """Returns a Length-Prefixed-Message: one byte for no compression, four for the length, the content."""
    return b"\0" + len(content).to_bytes(4, "big") + content


def outcome(load: Load, text: str, folder: Path, seconds: float) -> Outcome:
    """Reads what the program of a load has written. Raises LoadError if requests failed, or there were none."""
    if load.kind == "connections":
        return wrk_outcome(text)
    return h2load_outcome(text, _record(folder).read_text().splitlines(), seconds)


def h2load_outcome(text: str, record: Iterable[str], seconds: float) -> Outcome:
    """Reads what h2load says in the end, and its record of all requests: start, status, microseconds."""
    done = _DONE.search(text)
    if done is None or int(done[1]) == 0 or int(done[2]) or int(done[3]):
        raise LoadError(f"requests failed:\n{text}")
    taken = [int(line.split("\t")[2]) / 1_000 for line in record]
    return Outcome(int(done[1]), seconds, percentile(taken, 50), percentile(taken, 99))


def wrk_outcome(text: str) -> Outcome:
    """Reads what wrk says in the end."""
    done, latency = _WRK_DONE.search(text), {found[1]: found for found in _WRK_LATENCY.finditer(text)}
    if done is None or not latency or _WRK_ERRORS.search(text):
        raise LoadError(f"requests failed:\n{text}")
    p50, p99 = (float(latency[p][2]) * _MILLISECONDS[latency[p][3]] for p in ("50", "99"))
    return Outcome(int(done[1]), float(done[2]) * _MILLISECONDS[done[3]] / 1_000, p50, p99)


def _record(folder: Path) -> Path:
    return folder / "requests.log"
