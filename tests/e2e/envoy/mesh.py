"""One Envoy that is the client's proxy and the server's at once, between real applications, with real TLS."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography import x509
from msgspec import Struct
from tests.e2e.envoy.certificates import Authority, identity
from tests.e2e.envoy.network import SERVICES
from tests.e2e.envoy.proxy import Envoy, running
from tests.golden.static import static_bootstrap

from weft.base.provenance import Provenance
from weft.envoy.cluster import cluster
from weft.envoy.endpoints import cluster_load_assignment
from weft.envoy.inbound_routes import inbound_route_configuration
from weft.envoy.listener.inbound import inbound_listener
from weft.envoy.listener.outbound import outbound_listener, virtual_outbound
from weft.envoy.route_configuration import route_configuration
from weft.envoy.special_clusters import blackhole_cluster, inbound_cluster, passthrough_cluster
from weft.ir import view
from weft.ir.inventory import Endpoint
from weft.ir.routing import HttpMatch, RouteRule
from weft.ir.settings import MeshSettings
from weft.ir.traffic import TrafficSettings
from weft.ir.values import Protocol

Json = dict[str, Any]

POD = "10.244.0.1"
VIP = SERVICES.removesuffix("0.0/16") + "0.1"
ACCOUNT = identity("app")


class Mesh(Struct, kw_only=True):
    """What the proxy is told. `static` are fields of more listeners and clusters, in JSON."""

    clusters: tuple[view.Cluster, ...] = ()
    endpoints: tuple[view.Endpoints, ...] = ()
    routes: tuple[view.RouteConfiguration, ...] = ()
    listeners: tuple[view.OutboundListener, ...] = ()
    inbound: view.Inbound | None = None
    settings: MeshSettings = MeshSettings(access_log="/dev/stdout")
    fallback: Any = "deny"
    static: Json = {}

    @contextmanager
    def running(self, folder: Path, domain: str = "cluster.local") -> Iterator[Envoy]:
        """Runs it; the workload's certificate is one of `domain`."""
        authority = Authority(folder)
        spiffe = x509.UniformResourceIdentifier(identity("app", domain))
        secrets = [authority.issue("default", spiffe), authority.roots("ROOTCA")]
        with running(folder, self._bootstrap(folder, secrets)) as envoy:
            yield envoy

    def _bootstrap(self, folder: Path, secrets: list[Json]) -> Json:
        settings = self.settings
        served = (*self.inbound.ports, self.inbound.other) if self.inbound else ()
        listeners = [outbound_listener(each, settings) for each in self.listeners]
        listeners.append(virtual_outbound(self.fallback, settings))
        clusters = [cluster(each, settings) for each in self.clusters]
        clusters += [passthrough_cluster(settings), blackhole_cluster()]
        clusters += [inbound_cluster(port, settings) for port in served]
        if self.inbound:
            listeners.append(inbound_listener(self.inbound, settings))
        routes = [route_configuration(each) for each in self.routes]
        bootstrap = static_bootstrap(
            folder,
            listeners=listeners,
            clusters=clusters,
            routes=[*routes, *(inbound_route_configuration(port, settings) for port in served)],
            endpoints=[cluster_load_assignment(each) for each in self.endpoints],
            secrets=secrets,
        )
        for kind, more in self.static.items():
            bootstrap["static_resources"][kind] += more
        return bootstrap


def service_cluster(port: int, protocol: Protocol, *, subset: str = "", **fields: Any) -> view.Cluster:
    """Returns a cluster of the host `app`; its endpoints must prove to be the test's workload."""
    name = f"outbound|{port}|{subset}|app"
    values: dict[str, Any] = {"discovery": "endpoints", "settings": TrafficSettings(), "mesh_tls": "by_endpoint"}
    values |= {"server_name": f"outbound_.{port}_.{subset}_.app", "peers": (ACCOUNT,)} | fields
    return view.Cluster(name=name, host="app", port=port, subset=subset, protocol=protocol, **values)


def endpoints_of(cluster: view.Cluster, *addresses: str, port: int, mesh_tls: bool = True) -> view.Endpoints:
    """Returns the endpoints of a cluster."""
    found = tuple(Endpoint(None, address, port, mesh_tls=mesh_tls) for address in addresses)
    return view.Endpoints(cluster.name, (view.EndpointGroup(("", "", ""), 0, None, found),))


def served(port: int, protocol: Protocol, mutual: Any) -> view.InboundPort:
    """Returns a port that the workload serves."""
    return view.InboundPort(port=port, protocol=protocol, mutual=mutual, authorizations=())


def inbound_of(*ports: view.InboundPort, other: Any = "accept") -> view.Inbound:
    """Returns a server side for peers of `cluster.local`."""
    return view.Inbound(ports=ports, other=served(0, "detect", other), trust_domains=("cluster.local",))


def rule(name: str, *matches: HttpMatch, **fields: Any) -> RouteRule:
    """Returns a rule that forwards, unless `fields` say otherwise."""
    values: dict[str, Any] = {"action": "forward"} | fields
    return RouteRule(Provenance("VirtualService", "default", "app"), name, (), matches or None, **values)


def to(*clusters: view.Cluster) -> tuple[view.Destination, ...]:
    """Returns destinations of equal weight."""
    return tuple(view.Destination(cluster.name, 1) for cluster in clusters)


def table(name: str, *routes: view.Route) -> view.RouteConfiguration:
    """Returns a table with the host `app`, called by name or address."""
    host = view.VirtualHost(f"app:{name.rpartition(':')[2]}", ("app", VIP), routes)
    return view.RouteConfiguration(name, (host,), "deny")


def http_listener(port: int) -> view.OutboundListener:
    """Returns the listener of a port that is declared HTTP."""
    return view.OutboundListener(address="0.0.0.0", port=port, kind="http", route=str(port))


def detect_listener(port: int, cluster: view.Cluster) -> view.OutboundListener:
    """Returns the listener of a port whose protocol is detected."""
    streams = (view.StreamRoute(to(cluster), name="app"),)
    return view.OutboundListener(address=VIP, port=port, kind="detect", route=f"app:{port}", streams=streams)


def stream_listener(port: int, cluster: view.Cluster) -> view.OutboundListener:
    """Returns the listener of a port of bytes."""
    streams = (view.StreamRoute(to(cluster), name="app"),)
    return view.OutboundListener(address=VIP, port=port, kind="stream", streams=streams)
