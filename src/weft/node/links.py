"""iproute2's view of links, addresses and routes, typed."""

from collections.abc import Iterable
from ipaddress import ip_network
from typing import Final

import msgspec
from msgspec import Struct

from weft.base.families import Family, Network
from weft.node.namespaces import pin
from weft.node.tools import ToolError, Tools

_OPTIONS: Final[dict[Family, str]] = {"IPv4": "-4", "IPv6": "-6"}


class Link(Struct, frozen=True):
    """A network interface; `ifalias` is a text of its maker's, for people."""

    ifname: str
    ifalias: str = ""


class Route(Struct, frozen=True):
    """A route; `dst` is `default`, an address or a network, `dev` is missing for blackholes."""

    dst: str = "default"
    dev: str = ""


async def link_names(tools: Tools, namespace: str | None) -> set[str]:
    """The interfaces in a named namespace (None: in our own)."""
    return {link.ifname for link in await _links(tools, namespace)}


async def alias_of(tools: Tools, namespace: str, link: str) -> str:
    """The alias of an interface in a named namespace; empty if it has none, or there is no such interface."""
    return next((each.ifalias for each in await _links(tools, namespace) if each.ifname == link), "")


async def set_alias(tools: Tools, namespace: str, link: str, alias: str) -> None:
    """Gives an interface an alias."""
    await tools.run("ip", *_inside(namespace), "link", "set", "dev", link, "alias", alias)


async def _links(tools: Tools, namespace: str | None) -> list[Link]:
    output = await tools.run("ip", *_inside(namespace), "-json", "link", "show")
    return msgspec.json.decode(output or b"[]", type=list[Link])


async def routed_networks(tools: Tools, families: Iterable[Family], *, except_by: str) -> list[Network]:
    """The networks of some families that this machine has routes to, but for those by the interface `except_by`."""
    found: list[Network] = []
    for family in families:
        output = await tools.run("ip", "-json", _OPTIONS[family], "route", "show", "table", "all")
        routes = msgspec.json.decode(output or b"[]", type=list[Route])
        wanted = (route.dst for route in routes if route.dst != "default" and route.dev != except_by)
        found += [ip_network(destination, strict=False) for destination in wanted]
    return found


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
