"""A small mesh for tests: fragments are put in as they are, without any dialect."""

from typing import Any

import msgspec

from weft.base.issues import Ref
from weft.base.provenance import Provenance
from weft.dialects.compiled import Compiled, Fragment, Lookup
from weft.graph.core import Graph
from weft.graph.tables import Derived, Input
from weft.ir.inventory import Service, ServicePort, StatedEndpoints, StaticEndpoint, Workload
from weft.ir.routing import Backend, HttpMatch, RouteRule, RouteTable
from weft.ir.settings import MeshSettings, ProxyScope
from weft.ir.traffic import TrafficPolicy
from weft.ir.values import Labels, Protocol, Selector, Target
from weft.mesh.fragments import Dialects, Fragments
from weft.mesh.reader import Mesh
from weft.model.objects import Broken, Metadata, Object

KIND = "Fragment.test"


class World:
    """Objects that are lists of fragments, and the mesh that they make."""

    def __init__(self, settings: MeshSettings | None = None) -> None:
        self.graph = Graph()
        self.objects: Input[Ref, Object[Any] | Broken] = Input(self.graph, "objects")
        self.settings: Input[None, MeshSettings] = Input(self.graph, "settings")
        self.settings.set(None, settings or MeshSettings())
        current: Derived[None, MeshSettings] = Derived(
            self.graph, "current settings", lambda _: self.settings.get(None) or MeshSettings()
        )
        self.fragments = Fragments(self.objects, Dialects([{KIND: _as_they_are}], []), current)
        self.mesh = Mesh(self.fragments, current)

    def put(self, *fragments: Fragment, name: str = "", namespace: str = "default") -> None:
        """Sets one object; without a name, one is made for each call."""
        name = name or f"object-{len(self.objects)}"
        self.objects.set(
            Ref(KIND, namespace, name), Object(KIND, Metadata(name=name, namespace=namespace), tuple(fragments))
        )

    def remove(self, name: str, namespace: str = "default") -> None:
        """Removes one object."""
        self.objects.remove(Ref(KIND, namespace, name))


def _as_they_are(found: Object[Any], _: Lookup) -> Compiled:
    return Compiled(found.spec)


def scope(namespace: str = "default", clients: Labels = ()) -> ProxyScope:
    """The scope of a sidecar."""
    return ProxyScope(role="own", namespace=namespace, clients=clients)


def source(name: str, namespace: str = "default", created: int = 0, kind: str = "Test") -> Provenance:
    """Where a fragment comes from."""
    return Provenance(kind, namespace, name, created=created)


def host_of(name: str, namespace: str = "default") -> str:
    """The full host of a cluster's service."""
    return f"{name}.{namespace}.svc.cluster.local"


def service(
    name: str, namespace: str = "default", *, port: int = 80, protocol: Protocol = "http", **changes: Any
) -> Service:
    """A service of the cluster with one port, which leads to port 8080 of pods labelled `app=<name>`."""
    made = Service(
        source=source(name, namespace, kind="Service"),
        host=host_of(name, namespace),
        namespace=namespace,
        ports=(ServicePort(port, protocol, protocol, 8080),),
        resolution="endpoints",
        addresses=(("", f"10.96.0.{sum(name.encode()) % 250 + 1}"),),
        members=Selector(namespaces=(namespace,), labels=(("app", "in", (name,)),)),
    )
    return msgspec.structs.replace(made, **changes)


def stated(name: str, *endpoints: StaticEndpoint, namespace: str = "default") -> StatedEndpoints:
    """The endpoints that a `service` states itself; they belong into the same object."""
    return StatedEndpoints(source(name, namespace, kind="Service"), host_of(name, namespace), endpoints)


def workload(name: str, labels: dict[str, str], namespace: str = "default", **changes: Any) -> Workload:
    """A ready pod with a sidecar."""
    made = Workload(
        source=source(name, namespace, kind="Pod"),
        uid=f"Kubernetes//Pod/{namespace}/{name}",
        name=name,
        namespace=namespace,
        labels=tuple(sorted(labels.items())),
        addresses=(f"10.244.0.{sum(name.encode()) % 250 + 1}",),
        identity=f"spiffe://cluster.local/ns/{namespace}/sa/{labels.get('app', name)}",
        mode="own_proxy",
        state="ready",
    )
    return msgspec.structs.replace(made, **changes)


def rule(*backends: Backend, matches: tuple[HttpMatch, ...] | None = None, index: int = 0) -> RouteRule:
    """A forwarding rule."""
    return RouteRule(source("rule"), f"rule-{index}", (index,), matches, "forward", backends)


def table(host: str, *rules: RouteRule, name: str = "routes", namespace: str = "default", **changes: Any) -> RouteTable:
    """A table of routes for clients."""
    made = RouteTable(
        source=source(name, namespace, changes.pop("created", 0), "VirtualService"),
        family="virtual",
        attach=Target("mesh"),
        hosts=(host,),
        level="http",
        rules=rules,
    )
    return msgspec.structs.replace(made, **changes)


def policy(host: str, namespace: str = "default", *, name: str = "policy", **changes: Any) -> TrafficPolicy:
    """A traffic policy."""
    created = changes.pop("created", 0)
    return TrafficPolicy(source=source(name, namespace, created, "DestinationRule"), host=host, **changes)
