"""Another control plane, measured by the same load client: where it is, as whom to connect, and how to change it."""

import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec
from benchmarks.ads.arrivals import Mark
from benchmarks.ads.content import Protocol
from benchmarks.ads.driver import load_client
from benchmarks.ads.job import Job, ProxyJob
from benchmarks.control.changes import CONNECT
from benchmarks.control.meter import Meter, ServerProcess
from benchmarks.control.objects import Shape
from benchmarks.control.results import Case, Event, Sample
from benchmarks.lab.processes import CommandError
from msgspec import Struct

from weft.base import protobuf
from weft.envoy.type_urls import SHORT_NAMES

NODE_ID: Final = "sidecar~10.{high}.{low}.1~proxy-{number}.default~default.svc.cluster.local"
"""Istio's form of node ids; `high` and `low` make an address of the number."""

_TYPE_URLS: Final = {short: type_url for type_url, short in SHORT_NAMES.items()}

Tell = Callable[[str], None]


class PeerMark(Struct, frozen=True):
    """A text that only a change brings, in resources of a type (CDS, EDS, LDS, RDS, SDS ...)."""

    type: str
    text: str


class PeerEvent(Struct, frozen=True):
    """A change: the command that makes it, and what it brings. `{revision}` in texts is a number that grows."""

    name: str
    command: tuple[str, ...]
    marks: tuple[PeerMark, ...]


class Peer(Struct, frozen=True, kw_only=True):
    """An ADS server. `pid` is its process, if it is one of this machine; `services` is only for the tables."""

    name: str
    host: str
    port: int
    protocol: Protocol
    services: int
    node_id: str = NODE_ID
    metadata: dict[str, Any] = {}
    roots: str = ""
    server_name: str = ""
    token: str = ""
    pid: int | None = None
    events: tuple[PeerEvent, ...] = ()


def job(peer: Peer, proxies: int) -> Job:
    """Returns the job of some proxies. Raises ValueError where node ids or metadata are none."""
    return Job(
        host=peer.host,
        port=peer.port,
        proxies=tuple(ProxyJob(_node(peer, number), peer.token) for number in range(proxies)),
        protocol=peer.protocol,
        roots=peer.roots,
        server_name=peer.server_name,
    )


def _node(peer: Peer, number: int) -> bytes:
    high, low = divmod(number, 256)
    try:
        name = peer.node_id.format(number=number, high=high, low=low)
    except (KeyError, IndexError) as error:
        raise ValueError(f"{{{error}}} in {peer.node_id!r}: there is {{number}}, {{high}} and {{low}}") from error
    values = {"id": name, "cluster": "load", "metadata": peer.metadata}
    return protobuf.serialize(protobuf.from_dict("envoy.config.core.v3.Node", values))


def read_events(path: Path) -> tuple[PeerEvent, ...]:
    """Returns the events that a file of JSON holds. Raises OSError, msgspec.DecodeError, ValueError."""
    events = msgspec.json.decode(path.read_bytes(), type=tuple[PeerEvent, ...])
    unknown = {mark.type for event in events for mark in event.marks} - _TYPE_URLS.keys()
    if unknown:
        raise ValueError(f"{path}: unknown types {', '.join(sorted(unknown))}; there are {', '.join(_TYPE_URLS)}")
    return events


def measured(peer: Peer, proxies: int, *, repeats: int, limit: float, tell: Tell) -> Case:
    """Connects proxies and makes the changes. Raises LoadClientError, CommandError, OSError, ValueError."""
    given = job(peer, proxies)
    with tempfile.TemporaryDirectory(prefix="weft-bench-") as name, load_client(given, Path(name)) as load:
        meter = Meter(load, ServerProcess(peer.pid), limit)
        tell(f"  {CONNECT}")
        events = [Event(CONNECT, (meter.connect(),)), *_events(meter, peer.events, repeats, tell)]
    shape = Shape(peer.services, proxies, 0)
    tls = bool(peer.roots)
    return Case(shape=shape, server=peer.name, protocol=peer.protocol, tls=tls, ready=None, events=tuple(events))


def _events(meter: Meter, events: Sequence[PeerEvent], repeats: int, tell: Tell) -> Iterator[Event]:
    for event in events:
        tell(f"  {event.name}")
        yield Event(event.name, tuple(_sample(meter, event, revision) for revision in range(1, repeats + 1)))


def _sample(meter: Meter, event: PeerEvent, revision: int) -> Sample:
    marks = [Mark(_TYPE_URLS[mark.type], _filled(mark.text, revision).encode()) for mark in event.marks]
    return meter.change(marks, partial(_make, [_filled(word, revision) for word in event.command]))


def _filled(text: str, revision: int) -> str:
    return text.replace("{revision}", str(revision))


def _make(command: Sequence[str]) -> float:
    began = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise CommandError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return began
