"""The network that the pods of a mesh share: a bridge in a namespace of its own, and a link from there to the machine.

Every step looks at what is there and adds what is missing, so that a start after a kill at any point completes it, and
a start on a whole network changes nothing.
"""

import logging
from hashlib import sha256
from typing import Final

from weft.node.addresses import MeshNetwork, NetworkRecord, choose_pod_cidr, hardware_address
from weft.node.interfaces import address_lines, default_route_lines, ipv6_settings
from weft.node.links import change, link_names, remove_link, remove_namespace, routed_networks
from weft.node.namespaces import NamespaceThread, has_ipv6, pin, pinned_inode
from weft.node.settings import NodeSettings
from weft.node.state import StateFolder, read_record, write_record
from weft.node.tools import Tools

_log: Final = logging.getLogger(__name__)

BRIDGE: Final = "pods"
_UPLINK: Final = "machine"
"""The hub's end of the link to the machine; a port of the bridge, so that pods and machine are neighbours."""

_SETTINGS: Final = {
    "ipv4/ip_forward": "1",
    "ipv4/conf/all/send_redirects": "0",
    "ipv4/conf/default/send_redirects": "0",
}
_FORWARD_IPV6: Final = {"ipv6/conf/all/forwarding": "1"}


class FamiliesError(Exception):
    """The mesh can't have addresses of the families that it shall have; the message says why."""


def hub_name(mesh: str) -> str:
    """The namespace of the mesh's bridge."""
    return f"weft-{mesh}"


def machine_link(settings: NodeSettings) -> str:
    """The machine's end of the link to the hub; at most 15 characters (IFNAMSIZ)."""
    return f"weft{sha256(f'{settings.mesh} {settings.state}'.encode()).hexdigest()[:8]}"


async def prepare_network(settings: NodeSettings, tools: Tools, threads: NamespaceThread) -> MeshNetwork:
    """Makes the mesh's network, or completes it, and says which addresses it has.

    The range that was chosen once stays as long as the hub exists. Raises ToolError, OSError, or NoRoomError where no
    range is free, FamiliesError.
    """
    state = StateFolder(settings.state)
    state.create()
    network = await _choose(settings, state, tools)
    with_ipv6 = "IPv6" in network.families
    if with_ipv6 and not has_ipv6():
        raise FamiliesError("the kernel of this machine has no IPv6")
    if pinned_inode(network.namespace) is None:
        await remove_namespace(tools, network.namespace)
        await tools.run("ip", "netns", "add", network.namespace)
    await threads.write_settings(pin(network.namespace), _SETTINGS | ipv6_settings(on=with_ipv6))
    if with_ipv6:
        await threads.write_settings(pin(network.namespace), _FORWARD_IPV6)
    await _complete(network, machine_link(settings), tools, threads)
    return network


async def remove_network(settings: NodeSettings, tools: Tools) -> None:
    """Removes hub and link; with the hub go its ends of the pods' links, and so these."""
    await remove_link(tools, None, machine_link(settings))
    await remove_namespace(tools, hub_name(settings.mesh))
    StateFolder(settings.state).network.unlink(missing_ok=True)


async def _choose(settings: NodeSettings, state: StateFolder, tools: Tools) -> MeshNetwork:
    """The network of a former start if its hub exists, else one that fits this machine now; it is remembered."""
    name = hub_name(settings.mesh)
    former = stored_network(state)
    require_same_families(settings)
    if former and former.namespace == name and pinned_inode(name) is not None:
        return former
    routed = await routed_networks(tools, settings.families, except_by=machine_link(settings))
    ranges = former.cidrs if former else settings.pod_cidrs
    network = MeshNetwork(name, tuple(choose_pod_cidr(each, routed) for each in ranges))
    for chosen, wish in zip(network.cidrs, settings.pod_cidrs, strict=True):
        if chosen != wish:
            _log.warning("pods get addresses of %s: %s overlaps a route of this machine", chosen, wish)
    write_record(state.network, NetworkRecord.of(network), durable=True)
    return network


def require_same_families(settings: NodeSettings) -> None:
    """Raises FamiliesError if what is left of a mesh has addresses of other families than it shall have now."""
    former = stored_network(StateFolder(settings.state))
    if former and former.families != settings.families:
        has, lacks = ",".join(former.families), ",".join(settings.families)
        raise FamiliesError(f"the mesh is there with addresses of {has}, not of {lacks}: end it with `weft down`")


def stored_network(state: StateFolder) -> MeshNetwork | None:
    """The network that a mesh has, or had."""
    record = read_record(state.network, NetworkRecord)
    try:
        return record.network() if record else None
    except ValueError as error:
        _log.warning("%s is ignored: %s", state.network, error)
        return None


async def _complete(network: MeshNetwork, link: str, tools: Tools, threads: NamespaceThread) -> None:
    """Adds what is missing of bridge, addresses, link and routes."""
    inside = await link_names(tools, network.namespace)
    if _UPLINK not in inside:
        await remove_link(tools, None, link)
        peer = f"peer name {_UPLINK} netns {network.namespace}"
        await change(tools, None, [f"link add {link} address {hardware_address(network.host)} type veth {peer}"])
    # Fixed link addresses: the bridge's would change with its ports, and pods would lose their gateway.
    bridge = f"link add {BRIDGE} address {hardware_address(network.gateway)} type bridge mcast_snooping 0"
    await change(
        tools,
        network.namespace,
        [
            *([] if BRIDGE in inside else [bridge]),
            "link set lo up",
            f"link set {BRIDGE} up",
            *address_lines(network, network.gateways, BRIDGE),
            f"link set {_UPLINK} master {BRIDGE} up",
            *default_route_lines(network.hosts),
        ],
    )
    if "IPv6" in network.families:
        await threads.write_settings(None, ipv6_settings(on=True, links=(link,)))
    await change(tools, None, [f"link set {link} up", *address_lines(network, network.hosts, link)])
