"""The network of one pod: a namespace, a link to the bridge, and its rules.

A network that was not finished is removed and made anew, never repaired: nothing runs in it before it is finished.
"""

from typing import Final

from weft.base.families import Address
from weft.model.local import RedirectOrder
from weft.node.addresses import MeshNetwork, hardware_address
from weft.node.hub import BRIDGE
from weft.node.interfaces import address_lines, default_route_lines, ipv6_settings
from weft.node.links import change, remove_link, remove_namespace
from weft.node.namespaces import NamespaceThread, pin, pinned_inode
from weft.node.processes import kill_members
from weft.node.redirection import Redirection
from weft.node.tools import Tools

INTERFACE: Final = "eth0"

# As container runtimes do: an application that is not root may listen on any port.
_SETTINGS: Final = {"ipv4/ip_unprivileged_port_start": "0"}
_LOOPBACK_IPV6: Final = {"ipv6/conf/lo/disable_ipv6": "0"}
"""In a mesh of IPv4 alone only the loopback device has IPv6: there are no rules for it, and it would lead past them."""


class PodNetwork:
    """Makes and removes the network of one pod, which is named by `identifier` (`pod_id`)."""

    def __init__(self, mesh: MeshNetwork, identifier: str, tools: Tools, threads: NamespaceThread) -> None:
        self.name: Final = f"{mesh.namespace}-{identifier}"
        self.pin: Final = pin(self.name)
        self._mesh = mesh
        self._identifier = identifier
        self._tools = tools
        self._threads = threads
        self._redirection = Redirection(self.name, tools, threads)

    @property
    def inode(self) -> int | None:
        """The number of the namespace, None if there is none."""
        return pinned_inode(self.name)

    async def create(self, addresses: tuple[Address, ...]) -> None:
        """Makes namespace and link, in the place of what may be left of former ones. Raises ToolError or OSError."""
        await self.remove()
        await self._tools.run("ip", "netns", "add", self.name)
        self._redirection.start_anew()
        ipv6 = ipv6_settings(on="IPv6" in self._mesh.families)
        await self._threads.write_settings(self.pin, _SETTINGS | ipv6 | _LOOPBACK_IPV6)
        link = _link(self._identifier)
        peer = f"type veth peer name {INTERFACE} address {hardware_address(addresses[0])} netns {self.name}"
        await change(
            self._tools,
            self._mesh.namespace,
            [f"link add {link} {peer}", f"link set {link} master {BRIDGE} up"],
        )
        await change(
            self._tools,
            self.name,
            [
                "link set lo up",
                *address_lines(self._mesh, addresses, INTERFACE),
                f"link set {INTERFACE} up",
                *default_route_lines(self._mesh.gateways),
            ],
        )

    async def redirect(self, order: RedirectOrder | None) -> None:
        """Replaces the redirection in one step; None ends it. Raises ValueError for a bad order, ToolError."""
        await self._redirection.put_in_force(order)

    async def load_services(self, table: str) -> None:
        """Replaces the table of virtual addresses (input of `nft -f`) in one step. Raises ToolError."""
        await self._inside("nft", "-f", "-", stdin=table)

    async def remove(self) -> None:
        """Removes link and namespace with every process in it, as far as they exist. Raises ToolError or OSError."""
        await remove_pod_network(self._mesh.namespace, self._identifier, self._tools)

    async def _inside(self, tool: str, *arguments: str, stdin: str) -> None:
        await self._tools.run("nsenter", f"--net={self.pin}", self._tools[tool], *arguments, stdin=stdin)


async def remove_pod_network(hub: str, identifier: str, tools: Tools) -> None:
    """Removes the network of a pod and every process in it, as far as they exist. Raises ToolError or OSError."""
    name = f"{hub}-{identifier}"
    inode = pinned_inode(name)
    if inode is not None:
        kill_members(inode)
    if pinned_inode(hub) is not None:
        # Not left to the end of the namespace: that comes later, and a new link may need the name now.
        await remove_link(tools, hub, _link(identifier))
    await remove_namespace(tools, name)


def _link(identifier: str) -> str:
    """The hub's end of a pod's link; at most 15 characters (IFNAMSIZ)."""
    return f"p{identifier}"
