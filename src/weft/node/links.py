"""iproute2's view of links, addresses and routes, typed."""

from ipaddress import IPv4Network

import msgspec
from msgspec import Struct

from weft.node.namespaces import pin
from weft.node.tools import ToolError, Tools


class Link(Struct, frozen=True):
    """A network interface."""

    ifname: str


class Route(Struct, frozen=True):
    """A route; `dst` is `default`, an address or a network, `dev` is missing for blackholes."""

    dst: str = "default"
    dev: str = ""


async def link_names(tools: Tools, namespace: str | None) -> set[str]:
    """The interfaces in a named namespace (None: in our own)."""
    output = await tools.run("ip", *_inside(namespace), "-json", "link", "show")
    return {link.ifname for link in msgspec.json.decode(output or b"[]", type=list[Link])}


async def routed_networks(tools: Tools, *, except_by: str) -> list[IPv4Network]:
    """The IPv4 networks that this machine has routes to, but for those by the interface `except_by`."""
    output = await tools.run("ip", "-json", "-4", "route", "show", "table", "all")
    routes = msgspec.json.decode(output or b"[]", type=list[Route])
    wanted = (route.dst for route in routes if route.dst != "default" and route.dev != except_by)
    return [IPv4Network(destination, strict=False) for destination in wanted]


async def change(tools: Tools, namespace: str | None, lines: list[str]) -> None:
    """Runs lines of ip-batch(8) in a named namespace (None: in our own); the first one that fails ends it."""
    if lines:
        await tools.run("ip", *_inside(namespace), "-batch", "-", stdin="\n".join([*lines, ""]))


async def remove_link(tools: Tools, namespace: str | None, name: str) -> None:
    """Removes an interface if there is one; it may go by itself meanwhile, with the namespace of its other end."""
    if name not in await link_names(tools, namespace):
        return
    try:
        await change(tools, namespace, [f"link delete {name}"])
    except ToolError:
        if name in await link_names(tools, namespace):
            raise


async def remove_namespace(tools: Tools, name: str) -> None:
    """Removes the pin of a namespace, even a half made one; the namespace goes with its last process."""
    if pin(name).exists():
        await tools.run("ip", "netns", "delete", name)


def _inside(namespace: str | None) -> tuple[str, ...]:
    return ("-netns", namespace) if namespace else ()
