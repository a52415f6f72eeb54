"""Which clusters a sidecar can do without until a request asks for them."""

from msgspec import structs
from tests.unit.mesh.world import World, host_of, rule, scope, service, table, workload

from weft.ir.inventory import ServicePort
from weft.ir.routing import Backend
from weft.ir.settings import MeshSettings

ON = MeshSettings(on_demand=True)


def waiting(world: World) -> set[str]:
    """Hosts and ports of the clusters on demand."""
    names = world.mesh.clusters_on_demand(scope())
    assert names <= set(world.mesh.cluster_names(scope()))
    return {name.removeprefix("outbound|").replace("||", " ") for name in names}


def world_of(*ports: ServicePort, settings: MeshSettings = ON) -> World:
    world = World(settings)
    world.put(service("web", ports=ports or (ServicePort(80, "http", protocol="http", target=8080),)))
    world.put(workload("web-1", {"app": "web"}))
    return world


def test_none_unless_the_mesh_is_set_so() -> None:
    assert waiting(world_of(settings=MeshSettings())) == set()
    assert waiting(world_of()) == {f"80 {host_of('web')}"}


def test_bytes_do_not_wait() -> None:
    ports = (
        ServicePort(80, "http", protocol="http", target=8080),
        ServicePort(81, "tcp", protocol="tcp", target=8080),
        ServicePort(82, "any", protocol="detect", target=8080),
    )
    assert waiting(world_of(*ports)) == {f"80 {host_of('web')}"}


def test_bytes_that_a_route_leads_to_a_port_of_http_do_not_wait() -> None:
    world = world_of()
    world.put(service("lines", ports=(ServicePort(9000, "tcp", protocol="tcp", target=8080),)))
    to = rule(Backend(host_of("web"), 80))
    world.put(table(host_of("lines"), to, level="stream"), name="routes")
    assert waiting(world) == set()
    world.remove("routes")
    assert waiting(world) == {f"80 {host_of('web')}"}


def test_copies_of_requests_do_not_wait() -> None:
    world = world_of()
    world.put(service("copied", ports=(ServicePort(80, "http", protocol="http", target=8080),)))
    assert len(waiting(world)) == 2
    copies = structs.replace(rule(Backend(host_of("web"), 80)), mirrors=((Backend(host_of("copied")), 1.0),))
    world.put(table(host_of("web"), copies), name="routes")
    assert waiting(world) == {f"80 {host_of('web')}"}


def test_endpoints_that_are_called_by_their_address_do_not_wait() -> None:
    world = World(ON)
    world.put(service("web", addresses=(), headless=True))
    assert waiting(world) == set()


def test_names_that_are_looked_up_do_not_wait() -> None:
    world = World(ON)
    world.put(service("web", resolution="dns"))
    assert waiting(world) == set()


def test_gateways_have_all() -> None:
    gateway = structs.replace(scope(), role="edge")
    assert world_of().mesh.clusters_on_demand(gateway) == frozenset()
