"""What happens to the mesh under test: each change is a file that is saved, and marks that only its result has."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from benchmarks.ads.arrivals import Mark
from benchmarks.control import objects
from benchmarks.control.server import Server
from msgspec import Struct

from weft.base.wire import varint
from weft.envoy.type_urls import CDS, EDS, RDS

CONNECT: Final = "all connect"
RECONNECT: Final = "all reconnect"
ENDPOINT: Final = "an endpoint"
ROUTE: Final = "a VirtualService"
RULE: Final = "a DestinationRule"
SERVICE: Final = "a new service"
ANNOTATION: Final = "an annotation"
BATCH: Final = "endpoints at once"

ABOUT: Final = {
    CONNECT: "all proxies connect at once, and get their whole configuration",
    RECONNECT: "all connections are lost; proxies come back at once, tell what they have, and an endpoint changes",
    ENDPOINT: "one endpoint of one service has another address",
    ROUTE: "a header that one VirtualService sets has another value",
    RULE: "a limit of connections in one DestinationRule has another value",
    SERVICE: "there is one more service, with an endpoint: its cluster, endpoints and routes must arrive",
    ANNOTATION: "an annotation of a Service has another value: nothing is to be sent",
    BATCH: "one endpoint each of several services in one file, saved once",
}

_NEW_SERVICES: Final = 10_000
_BATCHES: Final = 11_000
"""First revisions of endpoints, so that all events' addresses differ."""


class Change(Struct, frozen=True):
    """A file to be saved, or applied, and what proxies get by it; without marks they get nothing."""

    file: str
    text: str
    marks: tuple[Mark, ...]

    def make(self, server: Server) -> float:
        """Makes the change; returns the time of CLOCK_MONOTONIC just before. Raises OSError, NoAnswerError."""
        return server.change(self.file, self.text)


def changes() -> Mapping[str, Callable[[int], Change]]:
    """Returns what makes the change of each event, by a revision from 1 on."""
    return {ENDPOINT: endpoint, ROUTE: route, RULE: rule, SERVICE: new_service, ANNOTATION: annotation}


def endpoint(revision: int, number: int = 2) -> Change:
    """Returns the change of an endpoint of a service; a later one to the same service overtakes it."""
    address = objects.changed_address(revision)
    mark = Mark(EDS, address.encode(), objects.service_name(number))
    return Change(objects.hot_file(number), objects.endpoints([number], address), (mark,))


def batch(revision: int, services: Sequence[int], count: int) -> Change:
    """Returns the change of an endpoint of each of the first `count` of those services whose endpoints share a file."""
    first = _BATCHES + revision * len(services)
    changed = {number: objects.changed_address(first + place) for place, number in enumerate(services[:count])}
    text = objects.joined(objects.endpoints([each], changed.get(each)) for each in services)
    return Change(objects.BATCH_FILE, text, tuple(Mark(EDS, address.encode()) for address in changed.values()))


def route(revision: int) -> Change:
    """Returns the change of the VirtualService."""
    return Change(objects.ROUTE_FILE, objects.route(revision), (Mark(RDS, objects.revision_text(revision).encode()),))


def rule(revision: int) -> Change:
    """Returns the change of the DestinationRule: a number as protobuf has it is as good as a text."""
    return Change(objects.RULE_FILE, objects.rule(revision), (Mark(CDS, varint(objects.revision_limit(revision))),))


def new_service(revision: int) -> Change:
    """Returns a service that was not there before."""
    name, address = f"added-{revision}-th", objects.changed_address(_NEW_SERVICES + revision)
    text = f"{objects.service(name)}---\n{objects.endpoint_slice(name, [address])}"
    marks = (Mark(CDS, name.encode()), Mark(EDS, address.encode()), Mark(RDS, name.encode()))
    return Change(f"{name}.yaml", text, marks)


def annotation(revision: int) -> Change:
    """Returns the change of an annotation."""
    return Change(objects.ANNOTATED_FILE, objects.service("annotated", revision), ())
