"""Addresses of Services and ServiceEntries in a running cluster."""

from ipaddress import IPv4Network, IPv6Network

from tests.unit.sources.local.world import World, deployment, ref, service

from weft.base.issues import Issue, Ref
from weft.model import codes
from weft.sources.local.addresses import AddressPool
from weft.sources.local.services import ServiceAddresses
from weft.sources.state import MemoryTables

DUAL = (IPv4Network("10.244.0.0/16"), IPv6Network("fd00:10:244::/64"))
SMALL = IPv4Network("10.0.0.0/30")  # .1 and .2
ENTRY = """
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: outside, namespace: shop}
spec:
  hosts: [api.example.com]
  ports: [{number: 443, name: tls, protocol: TLS}]
  resolution: DNS
"""


def address(world: World, name: str) -> str | None:
    found = world.object(ref("Service", name))
    return found.spec.cluster_ip if found is not None else None


def addresses(world: World, name: str) -> tuple[str, ...]:
    found = world.object(ref("Service", name))
    assert found is not None
    stated: tuple[str, ...] = found.spec.cluster_ips
    return stated


def only(world: World, name: str) -> Issue:
    (issue,) = world.issues(ref("Service", name))
    return issue


def test_a_service_gets_an_address_and_keeps_it_over_changes_and_restarts() -> None:
    world = World()
    world.write(service("web") + "---" + service("api"))
    first = address(world, "web")
    assert first
    assert first != address(world, "api")
    world.write(service("web", spec="sessionAffinity: None"))
    world.restart()
    assert address(world, "web") == first


PORTS = "ports: [{name: http, port: 80, targetPort: 8080}]"


def test_services_without_an_address_get_none() -> None:
    world = World()
    world.write(service("headless", spec="clusterIP: None"))
    world.write(service("alias", spec="type: ExternalName\nexternalName: example.com").replace(PORTS, ""))
    assert address(world, "headless") == "None"
    assert address(world, "alias") == ""


def test_a_name_for_a_host_outside_has_an_address_if_its_ports_are_known() -> None:
    world = World()
    world.write(service("alias", spec="type: ExternalName\nexternalName: example.com"))
    assert (address(world, "alias") or "").startswith("10.96.")


def test_a_service_of_both_families_gets_an_address_of_each_and_keeps_them() -> None:
    world = World(pods=DUAL)
    world.write(service("web", spec="ipFamilyPolicy: PreferDualStack"))
    for _ in range(2):
        assert addresses(world, "web") == ("10.96.1.1", "fd00:10:96::101")
        world.restart()


def test_a_service_that_gives_up_a_family_frees_its_address_of_it() -> None:
    world = World(pods=DUAL)
    world.write(service("web", spec='ipFamilyPolicy: PreferDualStack\nclusterIPs: [10.96.0.7, "fd00:10:96::7"]'))
    assert addresses(world, "web") == ("10.96.0.7", "fd00:10:96::7")
    world.write(service("web", spec="clusterIP: 10.96.0.7"))
    assert addresses(world, "web") == ("10.96.0.7",)
    world.write(service("api", spec='clusterIP: "fd00:10:96::7"'))
    assert addresses(world, "api") == ("fd00:10:96::7",)


def test_a_service_gets_all_addresses_that_it_states_or_none() -> None:
    world = World(pods=DUAL)
    world.write(service("a", spec='clusterIP: "fd00:10:96::7"'))
    world.write(service("b", spec='ipFamilyPolicy: PreferDualStack\nclusterIPs: [10.96.0.7, "fd00:10:96::7"]'))
    assert address(world, "b") is None
    assert only(world, "b").message == "fd00:10:96::7 is the address of Service shop/a already"
    world.write(service("c", spec="clusterIP: 10.96.0.7"))
    assert address(world, "c") == "10.96.0.7"


def test_a_service_of_a_family_that_the_mesh_does_not_have_is_refused() -> None:
    world = World()
    world.write(service("web", spec='clusterIPs: [10.96.0.7, "fd00::7"]\nipFamilyPolicy: RequireDualStack'))
    assert address(world, "web") is None
    issue = only(world, "web")
    assert (issue.code, issue.severity, issue.path) == (codes.INVALID, "error", "spec.ipFamilies")
    assert issue.message == "IPv6 is not configured in this mesh"
    assert "--ip-families IPv4,IPv6" in issue.advice


def test_a_headless_service_has_the_families_that_its_pods_are_listed_with() -> None:
    world = World(pods=DUAL)
    world.write(service("web", spec="clusterIP: None\nipFamilyPolicy: PreferDualStack"))
    found = world.object(ref("Service", "web"))
    assert found is not None
    assert (found.spec.cluster_ips, found.spec.ip_families) == (("None",), ("IPv4", "IPv6"))


def test_hosts_without_addresses_get_one_of_each_family() -> None:
    world = World(pods=DUAL)
    world.write(ENTRY)
    found = world.object(Ref("ServiceEntry.networking.istio.io", "shop", "outside"))
    assert found is not None
    assert found.spec.addresses == ("240.240.1.1", "2001:2::101")


def test_a_service_that_becomes_headless_frees_its_address() -> None:
    world = World()
    world.write(service("web", spec="clusterIP: 10.96.0.7"))
    world.write(service("web", spec="clusterIP: None"))
    world.write(service("api", spec="clusterIP: 10.96.0.7"))
    assert address(world, "api") == "10.96.0.7"


def test_of_two_services_with_one_address_the_older_counts_and_the_other_is_told() -> None:
    world = World()
    world.write(service("young", spec="clusterIP: None"))
    world.clock.now += 10
    world.write(service("zoo", spec="clusterIP: 10.96.0.7"))
    world.clock.now += 10
    world.write(service("ant", spec="clusterIP: 10.96.0.7"))
    assert address(world, "zoo") == "10.96.0.7"
    assert address(world, "ant") is None
    world.tables.write("service addresses", {"shop/zoo": None})
    world.restart()
    assert (address(world, "zoo"), address(world, "ant")) == ("10.96.0.7", None)
    issue = only(world, "ant")
    assert (issue.code, issue.severity, issue.path) == (codes.ADDRESS_TAKEN, "error", "spec.clusterIP")
    assert issue.message == "10.96.0.7 is the address of Service shop/zoo already"
    assert issue.effect == "the object counts as absent"


def test_of_equally_old_services_the_first_by_name_counts_also_after_a_restart() -> None:
    world = World()
    world.write(service("b", spec="clusterIP: 10.96.0.7") + "---" + service("a", spec="clusterIP: 10.96.0.7"))
    for _ in range(2):
        assert (address(world, "a"), address(world, "b")) == ("10.96.0.7", None)
        world.restart()


def test_a_stated_address_is_given_to_nobody_else_of_the_same_time() -> None:
    world = World()
    world.write(service("a") + "---" + service("b", spec="clusterIP: 10.96.1.1"))
    assert (address(world, "a"), address(world, "b")) == ("10.96.1.2", "10.96.1.1")


def test_who_waits_for_an_address_gets_it_when_it_is_free() -> None:
    world = World()
    world.write(service("a", spec="clusterIP: 10.96.0.7") + "---" + service("b", spec="clusterIP: 10.96.0.7"))
    world.remove(ref("Service", "a"))
    assert address(world, "b") == "10.96.0.7"
    assert world.issues(ref("Service", "b")) == []


def test_who_waits_for_an_address_and_can_not_be_read_any_more_waits_for_none() -> None:
    world = World()
    world.write(service("a", spec="clusterIP: 10.96.0.7") + "---" + service("b", spec="clusterIP: 10.96.0.7"))
    world.write(service("b", spec="clusterIP: 10.96.0.7\ntype: Wrong"))
    world.remove(ref("Service", "a"))
    assert address(world, "b") is None
    assert world.issues() == []


def test_addresses_are_exchanged_by_one_change() -> None:
    world = World()
    world.write(service("a", spec="clusterIP: 10.96.0.7") + "---" + service("b", spec="clusterIP: 10.96.0.8"))
    world.write(service("a", spec="clusterIP: 10.96.0.9") + "---" + service("b", spec="clusterIP: 10.96.0.7"))
    assert (address(world, "a"), address(world, "b")) == ("10.96.0.9", "10.96.0.7")


def test_a_service_may_state_the_address_that_it_got_by_chance() -> None:
    world = World()
    world.write(service("a"))
    world.write(service("a", spec="clusterIP: 10.96.1.1"))
    assert address(world, "a") == "10.96.1.1"
    assert world.issues() == []


def test_what_is_no_address_is_refused() -> None:
    world = World()
    world.write(service("a", spec="clusterIP: nowhere"))
    assert address(world, "a") is None
    assert only(world, "a").message == "'nowhere' is no address"


def test_a_service_that_can_not_be_read_keeps_its_address() -> None:
    world = World()
    world.write(service("a"))
    world.write(service("a", spec="type: Wrong"))
    world.write(service("b"))
    world.write(service("a"))
    assert address(world, "a") == "10.96.1.1"


def test_addresses_of_what_went_away_while_nobody_looked_are_free() -> None:
    world = World()
    world.write(service("a", spec="clusterIP: 10.96.0.7") + "---" + service("b"))
    world.folder.remove(ref("Service", "a"))
    world.folder.write(service("c", spec="clusterIP: 10.96.0.7"))
    world.restart()
    assert address(world, "c") == "10.96.0.7"
    assert world.issues() == []


def test_hosts_without_addresses_get_one_if_their_resolution_needs_it() -> None:
    world = World()
    world.write(ENTRY)
    entry = Ref("ServiceEntry.networking.istio.io", "shop", "outside")
    assert world.object(entry).spec.addresses == ("240.240.1.1",)
    world.write(ENTRY.replace("resolution: DNS", "resolution: NONE"))
    assert world.object(entry).spec.addresses == ()
    world.write(ENTRY.replace("resolution: DNS", "resolution: DNS\n  addresses: [192.0.2.1]"))
    assert world.object(entry).spec.addresses == ("192.0.2.1",)


def test_a_full_range_is_an_issue_of_the_service_until_there_is_room() -> None:
    tables = MemoryTables()
    tiny = AddressPool(tables, "services", SMALL, SMALL[1])
    services = ServiceAddresses({"IPv4": tiny}, {"IPv4": AddressPool(tables, "entries", SMALL, SMALL[1])})
    world = World()
    world.write(service("a") + "---" + service("b") + "---" + service("c"))
    values = [world.store.value(ref("Service", name)) for name in "abc"]
    completed = [services.completed(value) for value in values]  # type: ignore[arg-type]
    assert [each.spec.cluster_ip for each in completed if each is not None] == ["10.0.0.1", "10.0.0.2", ""]
    (issue,) = services.issues()
    assert (issue.code, issue.ref) == (codes.NO_ADDRESS, ref("Service", "c"))
    services.gone(ref("Service", "a"))
    (retried,) = services.retried()
    found = services.completed(retried)
    assert found is not None
    assert found.spec.cluster_ip == "10.0.0.1"
    assert list(services.issues()) == []


def test_a_service_leads_to_the_pods_that_are_ready() -> None:
    world = World()
    world.write(deployment() + "---" + service())
    assert world.orders().services[0].endpoints == ()
    world.ready()
    (target,) = world.orders().services
    assert (target.address, target.port, target.endpoints) == ("10.96.1.1", 80, ((world.order().address, 8080),))


def test_each_address_of_a_service_leads_to_the_pods_addresses_of_its_family() -> None:
    world = World(pods=DUAL)
    world.write(deployment() + "---" + service(spec="ipFamilyPolicy: RequireDualStack"))
    world.ready()
    four, six = world.order().addresses
    found = {target.address: target.endpoints for target in world.orders().services}
    assert found == {"10.96.1.1": ((four, 8080),), "fd00:10:96::101": ((six, 8080),)}
    (entry,) = (entry for _, entries in world.orders().hosts for entry in entries if "web" in entry.names)
    assert entry.addresses == ("10.96.1.1", "fd00:10:96::101")
