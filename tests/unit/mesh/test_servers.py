"""The server side: which ports, with which mode and policies."""

from tests.unit.mesh.world import World, host_of, service, source, workload

from weft.ir.access import Authentication, Authorization
from weft.ir.inventory import ServicePort
from weft.ir.values import Selector, Target
from weft.ir.view import Inbound

SELECT_WEB = Selector(namespaces=("default",), labels=(("app", "in", ("web",)),))


def inbound(world: World, **labels: str) -> Inbound:
    return world.mesh.inbound(world.mesh.key(workload("web-1", labels or {"app": "web"}), "own").server)


def test_a_workload_serves_the_targets_of_the_services_that_select_it() -> None:
    world = World()
    world.put(service("web"), service("other"))
    found = inbound(world)
    assert [(port.port, port.protocol, port.service) for port in found.ports] == [(8080, "http", host_of("web"))]


def test_a_named_target_is_the_workloads_own_port() -> None:
    world = World()
    world.put(service("web", ports=(ServicePort(80, "http", "http", "main"),)))
    named = workload("web-1", {"app": "web"}, ports=(("main", 9000, "tcp"),))
    found = world.mesh.inbound(world.mesh.key(named, "own").server)
    assert [port.port for port in found.ports] == [9000]


def test_the_oldest_service_decides_the_protocol_of_a_shared_port() -> None:
    world = World()
    young = service("web", source=source("young", created=5))
    old = service("legacy", protocol="tcp", source=source("old", created=1), members=young.members)
    world.put(young, old)
    assert [port.protocol for port in inbound(world).ports] == ["tcp"]


def test_the_narrowest_authentication_decides_and_ports_without_service_keep_their_own() -> None:
    world = World()
    world.put(service("web"))
    world.put(Authentication(source("mesh", "istio-system"), Target("mesh"), mutual="require"))
    assert {port.mutual for port in inbound(world).ports} == {"require"}
    workloads = Target("workloads", "default", select=SELECT_WEB)
    world.put(
        Authentication(source("web"), workloads, mutual="accept"),
        Authentication(source("web"), workloads, port=9999, mutual="off"),
    )
    found = inbound(world)
    assert {port.port: port.mutual for port in found.ports} == {8080: "accept", 9999: "off"}
    assert found.other.mutual == "accept"


def test_policies_of_the_mesh_the_namespace_and_the_workload_are_in_force_in_order() -> None:
    world = World()
    world.put(service("web"))

    def policy(name: str, target: Target, tier: int) -> Authorization:
        return Authorization(source(name), "request", tier, "in", target, (), closes=True)

    world.put(policy("allow", Target("workloads", "default", select=SELECT_WEB), 2))
    world.put(policy("namespace", Target("namespace", "default"), 2))
    world.put(policy("deny", Target("mesh"), 1))
    world.put(policy("elsewhere", Target("namespace", "other"), 1), namespace="other")
    (port,) = inbound(world).ports
    assert [each.source.name for each in port.authorizations] == ["deny", "allow", "namespace"]
    assert [a.source.name for a in inbound(world, app="else").other.authorizations] == ["deny", "namespace"]


def test_replicas_have_one_class_and_share_their_inbound_side() -> None:
    world = World()
    first, second = (workload(name, {"app": "web"}) for name in ("web-1", "web-2"))
    assert world.mesh.key(first, "own") == world.mesh.key(second, "own")
