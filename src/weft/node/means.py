"""The means by which pods are kept apart: all that differs from one isolation to another, chosen in one place."""

from collections.abc import Callable, Mapping
from typing import Final

from msgspec import Struct

from weft.model.local import Isolation, proxy_mark
from weft.node.chain import Chain
from weft.node.loopback_chain import LoopbackChain
from weft.node.loopback_networks import LoopbackNetworks
from weft.node.marks import Recognize, by_mounts, by_tag
from weft.node.namespace_chain import NamespaceChain
from weft.node.namespace_networks import NamespaceNetworks
from weft.node.namespaces import NamespaceThread
from weft.node.networks import Networks
from weft.node.settings import NodeSettings
from weft.node.tools import Tools, find_plain_tools, find_tools
from weft.node.users import Account, own_account


class Means(Struct, frozen=True, kw_only=True):
    """What one isolation does in its own way.

    `networks` makes networks, `chain` begins processes, `recognize` knows those of this mesh's pods, also where no
    record names them. `only_user` is the one that all processes belong to, None where they may have different ones.
    `proxy_mark` tells what Envoys send, None where their users do. `tag` is the name of the mesh in the environment of
    processes, empty where mounts tell whose they are.
    """

    tools: Tools
    networks: Networks
    chain: Chain
    recognize: Recognize
    only_user: Account | None = None
    proxy_mark: int | None = None
    tag: str = ""


def means_of(settings: NodeSettings, threads: NamespaceThread) -> Means:
    """The means of the isolation that the settings name. Raises MissingToolsError."""
    return _MAKERS[settings.isolation](settings, threads)


def _of_netns(settings: NodeSettings, threads: NamespaceThread) -> Means:
    tools = find_tools(settings.search_path)
    return Means(
        tools=tools,
        networks=NamespaceNetworks(settings, tools, threads),
        chain=NamespaceChain(tools),
        recognize=by_mounts(settings.mark),
    )


def _of_userns(settings: NodeSettings, threads: NamespaceThread) -> Means:
    """The same inside of the user's own namespaces, where there is one user, and no rule can tell users apart."""
    tools = find_tools(settings.search_path, userns=True)
    return Means(
        tools=tools,
        networks=NamespaceNetworks(settings, tools, threads),
        chain=NamespaceChain(tools),
        recognize=by_mounts(settings.mark),
        only_user=own_account(),
        proxy_mark=proxy_mark(settings.isolation),
    )


def _of_loopback(settings: NodeSettings, _: NamespaceThread) -> Means:
    """Processes in the machine's own network, of one user, known by their environment."""
    tools = find_plain_tools(settings.search_path)
    return Means(
        tools=tools,
        networks=LoopbackNetworks(settings),
        chain=LoopbackChain(tools),
        recognize=by_tag(settings.mark),
        only_user=own_account(),
        tag=settings.mark,
    )


_MAKERS: Final[Mapping[Isolation, Callable[[NodeSettings, NamespaceThread], Means]]] = {
    "netns": _of_netns,
    "userns": _of_userns,
    "loopback": _of_loopback,
}
