"""Networks of pods of each family in real namespaces: which addresses there are, and that there are no others."""

import asyncio
import json
from collections.abc import AsyncIterator
from ipaddress import ip_address
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.e2e.node.conftest import Mesh, output

from weft.base.families import Family
from weft.node.addresses import DEFAULT_POD_CIDRS, MeshNetwork
from weft.node.hub import FamiliesError, machine_link, prepare_network, remove_network
from weft.node.namespaces import NamespaceThread
from weft.node.podnet import PodNetwork
from weft.node.settings import NodeSettings
from weft.node.tools import find_tools

pytestmark = pytest.mark.isolation("netns")

ADDRESSES: dict[Family, str] = {"IPv4": "10.244.0.11", "IPv6": "fd00:10:244::b"}


class Networks:
    """The networks of one mesh after the other, with their ends on this machine."""

    def __init__(self, settings: NodeSettings) -> None:
        self.settings = settings
        self.tools, self.threads = find_tools(settings.search_path), NamespaceThread()

    def of(self, *families: Family) -> NodeSettings:
        return replace(self.settings, pod_cidrs=tuple(DEFAULT_POD_CIDRS[family] for family in families))

    async def make(self, *families: Family) -> tuple[MeshNetwork, PodNetwork]:
        network = await prepare_network(self.of(*families), self.tools, self.threads)
        pod = PodNetwork(network, "aaaaaaaaaa", self.tools, self.threads)
        await pod.create(tuple(ip_address(ADDRESSES[family]) for family in families))
        return network, pod

    async def answers(self, namespace: Path | None, address: str) -> bool:
        """Whether somebody has an address, seen from a namespace: a refused connection is an answer."""
        try:
            async with asyncio.timeout(2):
                await self.threads.connect(namespace, address, 9)
        except ConnectionRefusedError:
            return True
        except (TimeoutError, OSError):
            return False
        return False


@pytest.fixture
async def networks(mesh: Mesh) -> AsyncIterator[Networks]:
    made = Networks(mesh.settings)
    yield made
    await remove_network(mesh.settings, made.tools)
    made.threads.close()


async def found(*command: str) -> list[str]:
    """The addresses of the interfaces that a command of iproute2 shows, each with its scope and flags."""
    links = json.loads(await output(*command))
    return [f"{info['local']} {info['scope']}" for link in links for info in link.get("addr_info", ())]


def without_link_local(addresses: set[str]) -> set[str]:
    """In a mesh of IPv4 alone, IPv6 of the machine is the machine's own affair."""
    return {each for each in addresses if not each.endswith(" link")}


@pytest.mark.parametrize("families", [("IPv4",), ("IPv6",), ("IPv4", "IPv6"), ("IPv6", "IPv4")])
async def test_a_pod_has_the_addresses_that_it_was_given_and_no_others(
    networks: Networks, families: tuple[Family, ...]
) -> None:
    network, pod = await networks.make(*families)
    assert network.families == families
    given = {f"{ADDRESSES[family]} global" for family in families}
    assert set(await found("ip", "-n", pod.name, "-json", "address", "show", "dev", "eth0")) == given
    ours = set(await found("ip", "-json", "address", "show", "dev", machine_link(networks.settings)))
    assert {f"{host} global" for host in network.hosts} == (ours if "IPv6" in families else without_link_local(ours))
    flags = await output("ip", "-n", pod.name, "-6", "-o", "address", "show", "dev", "eth0")
    assert "tentative" not in flags
    await pod.remove()


@pytest.mark.parametrize("family", ["IPv4", "IPv6"])
async def test_machine_and_pods_reach_each_other_at_once(networks: Networks, family: Family) -> None:
    network, pod = await networks.make(family)
    assert await networks.answers(None, ADDRESSES[family])
    assert await networks.answers(pod.pin, str(network.host))
    await pod.remove()


async def test_a_link_of_the_mesh_has_ipv6_also_where_the_machine_has_none(networks: Networks) -> None:
    """As in most containers."""
    await output("sysctl", "-q", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1")
    try:
        _, pod = await networks.make("IPv6")
        assert await networks.answers(None, ADDRESSES["IPv6"])
        await pod.remove()
    finally:
        await output("sysctl", "-q", "net.ipv6.conf.all.disable_ipv6=0", "net.ipv6.conf.default.disable_ipv6=0")


async def test_a_mesh_keeps_its_families_while_it_is_there(networks: Networks) -> None:
    _, pod = await networks.make("IPv4")
    with pytest.raises(FamiliesError, match="of IPv4, not of IPv4,IPv6: end it with `weft down`"):
        await prepare_network(networks.of("IPv4", "IPv6"), networks.tools, networks.threads)
    await pod.remove()


async def test_a_range_of_ipv6_that_the_machine_routes_is_not_taken(networks: Networks) -> None:
    await output("ip", "-6", "route", "add", "blackhole", "fd00:10:244::/48")
    try:
        network = await prepare_network(networks.of("IPv6"), networks.tools, networks.threads)
        assert str(network.cidr) == "fd00:10:245::/64"
    finally:
        await output("ip", "-6", "route", "delete", "blackhole", "fd00:10:244::/48")
