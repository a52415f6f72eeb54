"""Who is there: trust domains, services, workloads, endpoints."""

from typing import Literal

from msgspec import Struct

from weft.base.durations import Milliseconds
from weft.base.families import Family
from weft.base.provenance import Provenance
from weft.ir.values import (
    Identity,
    Interception,
    Labels,
    Locality,
    Protocol,
    SecretRef,
    Selector,
    Target,
)


class TrustDomain(Struct, frozen=True):
    """A root of identities. Identities of an alias are equal to identities of `name`; all `anchors` are accepted.

    `dns_zone` is the zone of identities in DNS form, where the domain has one.
    """

    name: str
    aliases: tuple[str, ...] = ()
    anchors: tuple[SecretRef, ...] = ()
    dns_zone: str | None = None


class ServicePort(Struct, frozen=True, gc=False):
    """A port of a service; `target` is the workload's port, by number or by name."""

    number: int
    name: str
    protocol: Protocol
    target: int | str


class Endpoint(Struct, frozen=True, gc=False):
    """Where a service port is really served: a workload and its port, or a bare address.

    `identity` is what the server must prove where `mesh_tls` holds; None accepts `Service.peer_names` only.
    `path` addresses (`unix:`) have port 0. `also` are further addresses of the same workload: it is one endpoint, and
    they are tried where the first one does not answer. `host` is the name of this endpoint alone, where it has one.
    """

    workload: str | None
    address: str
    port: int
    weight: int = 1
    healthy: bool = True
    mesh_tls: bool = False
    network: str = ""
    locality: Locality = ("", "", "")
    labels: Labels = ()
    identity: Identity | None = None
    also: tuple[str, ...] = ()
    host: str = ""


class StaticEndpoint(Struct, frozen=True, gc=False):
    """An address that a service states itself; `ports` maps port names to numbers, others use the port's target.

    `host` is the name of this endpoint alone, where it has one.
    """

    address: str
    ports: tuple[tuple[str, int], ...] = ()
    weight: int = 1
    network: str = ""
    locality: Locality = ("", "", "")
    labels: Labels = ()
    identity: Identity | None = None
    host: str = ""


class Service(Struct, frozen=True, cache_hash=True):
    """A named destination. `addresses` pairs a network with an address or CIDR; empty means headless.

    `resolution`: from endpoints, from DNS (all answers, or one), by the request's host (`dynamic`), or the original
    destination. `external` services get no mesh TLS unless an endpoint says so. `visible_to` None means everywhere.
    `families`: of a workload only addresses of these serve it, in this order; empty for all, in the workload's order.
    Of a `headless` one clients choose an endpoint by its address. `alias_of` is the host that this is only another name
    for. `unready`: endpoints serve it before they are ready, too. `sticky` keeps a client at one endpoint, for so long
    after its last connection. `near`: endpoints of the client's zone, or node, come before others.
    """

    source: Provenance
    host: str
    namespace: str
    ports: tuple[ServicePort, ...]
    resolution: Literal["endpoints", "dns", "dns_one", "dynamic", "passthrough"]
    aliases: tuple[str, ...] = ()
    addresses: tuple[tuple[str, str], ...] = ()
    external: bool = False
    members: Selector | None = None
    visible_to: tuple[str, ...] | None = None
    peer_names: tuple[str, ...] = ()
    front: tuple[tuple[Target, int], ...] = ()
    scope: Literal["cluster", "mesh"] = "mesh"
    affinity: Literal["none", "local", "remote"] = "none"
    headless: bool = False
    registry: Literal["cluster", "external"] = "cluster"
    families: tuple[Family, ...] = ()
    alias_of: str = ""
    near: Literal["any", "zone", "node"] = "any"
    unready: bool = False
    sticky: Milliseconds | None = None


class StatedEndpoints(Struct, frozen=True):
    """The endpoints that a service states itself, which count where none of its members is known. They come from the
    same object as the service of the `host`, and are no part of it: most of what is made for a service does not depend
    on them, and they change often.
    """

    source: Provenance
    host: str
    endpoints: tuple[StaticEndpoint, ...]


class Workload(Struct, frozen=True):
    """A running instance: a pod, or a machine. `mode` says which proxy its traffic goes through, `interception` how it
    gets to a proxy of its own.

    `proxy_address` is where that proxy listens, if not at the workload's first address: others call it there.
    `ports` are its named ports (name, number, "tcp" or "udp"), `probes` the (port, path) of its health checks.
    `port_map` pairs names of service ports with the ports that serve them here; it beats `ServicePort.target`. `host`
    is its own name, given out by a headless service. `captures_dns`: its proxy answers what it asks of DNS, and for
    names that it does not know asks the `resolvers` (addresses), or those of the mesh's settings where there are none.
    """

    source: Provenance
    uid: str
    name: str
    namespace: str
    labels: Labels
    addresses: tuple[str, ...]
    identity: Identity | None
    mode: Literal["none", "own_proxy", "node_proxy"]
    state: Literal["ready", "not_ready", "draining"]
    network: str = ""
    cluster: str = ""
    node: str = ""
    locality: Locality = ("", "", "")
    tls_name: str | None = None
    front: Target | None = None
    ports: tuple[tuple[str, int, str], ...] = ()
    port_map: tuple[tuple[str, int], ...] = ()
    probes: tuple[tuple[int, str], ...] = ()
    weight: int = 1
    canonical: tuple[str, str] = ("", "")
    interception: Interception = "redirect"
    proxy_address: str = ""
    host: str = ""
    captures_dns: bool = False
    resolvers: tuple[str, ...] = ()
