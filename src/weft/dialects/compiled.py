"""What every dialect takes and gives."""

from collections.abc import Callable
from typing import Any, Protocol

from msgspec import Struct

from weft.base.issues import Issue, Ref
from weft.ir.access import Authentication, Authorization, InboundServer
from weft.ir.edge import Gateway, Listener
from weft.ir.inventory import Service, StatedEndpoints, Workload
from weft.ir.routing import EgressPolicy, RouteTable
from weft.ir.settings import MeshSettings
from weft.ir.traffic import TrafficPolicy
from weft.model.objects import Broken, Object

Fragment = (
    Service
    | StatedEndpoints
    | Workload
    | RouteTable
    | TrafficPolicy
    | Gateway
    | Listener
    | EgressPolicy
    | InboundServer
    | Authentication
    | Authorization
)


class Compiled(Struct, frozen=True):
    """The fragments that one object became, and what is wrong with it."""

    fragments: tuple[Fragment, ...] = ()
    issues: tuple[Issue, ...] = ()


class Lookup(Protocol):
    """What a dialect may read besides the object itself. Reads are recorded, so results follow changes."""

    def settings(self) -> MeshSettings:
        """Settings of the mesh."""

    def object(self, ref: Ref) -> Object[Any] | None:
        """A readable object by its key."""

    def objects(self, kind: str, namespace: str) -> tuple[Object[Any], ...]:
        """All readable objects of a kind in a namespace, sorted by name."""

    def labelled(self, kind: str, namespace: str, value: str) -> tuple[Object[Any], ...]:
        """Those of `objects` whose label that the dialect finds its objects of the kind by has this value."""

    def namespace_labels(self, namespace: str) -> dict[str, str]:
        """Labels of a namespace, empty where it is not declared."""


Compile = Callable[[Object[Any], Lookup], Compiled]
CompileBroken = Callable[[Broken, Lookup], Compiled]
