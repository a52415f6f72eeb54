"""Puts a redirection in force in the network of a pod: rules, and what TPROXY and IPv6 need beside them.

By iptables where it is installed, because its rules are what people look for in a pod; else by nft.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Struct

from weft.model.local import RedirectOrder
from weft.node.links import change
from weft.node.namespaces import NamespaceThread, has_ipv6, pin
from weft.node.tools import OPTIONAL, Tools
from weft.redirect import iptables, nft
from weft.redirect.plan import Family, Plan, TableName
from weft.redirect.sidecar import sidecar_plan

_RESTORE: Final[dict[Family, str]] = {"ip": "iptables-restore", "ip6": "ip6tables-restore"}
_OPTIONS: Final[dict[Family, str]] = {"ip": "-4", "ip6": "-6"}
_EVER_USED: Final[tuple[TableName, ...]] = ("raw", "mangle", "nat")
_PREFERENCE: Final = 13_370
"""Ours among the namespace's routing rules, so that it is found again."""

_ANY_SOURCE: Final = {f"ipv4/conf/{name}/rp_filter": "0" for name in ("all", "lo")}
"""With TPROXY Envoy sends from clients' addresses, by the loopback interface."""


class _RoutingRule(Struct, frozen=True):
    """A line of `ip -json rule`; `table` is the table's name or number."""

    priority: int = 0
    table: str = ""
    fwmark: str = ""


class Redirection:
    """What leads traffic of the namespace with that name to an Envoy in it."""

    def __init__(self, name: str, tools: Tools, threads: NamespaceThread) -> None:
        self._name = name
        self._tools = tools
        self._threads = threads
        self._untouched = False

    def start_anew(self) -> None:
        """The namespace was just made: there is nothing in it to remove."""
        self._untouched = True

    async def put_in_force(self, order: RedirectOrder | None) -> None:
        """Replaces what was in force; None ends it. Each family's rules are replaced table by table, with no moment
        without them. Raises ValueError for a bad order, ToolError."""
        plan = sidecar_plan(order) if order else Plan()
        families = [family for family in _known() if not self._untouched or plan.ruleset(family).tables]
        if plan.rulesets:
            await self._prepare(plan)
        await self._load(plan, families)
        if plan.route is None and not self._untouched:
            await self._remove_routes()
        self._untouched = False

    async def _load(self, plan: Plan, families: Sequence[Family]) -> None:
        cleared = () if self._untouched else _EVER_USED
        if any(tool not in self._tools for tool in OPTIONAL):
            text = nft.render([plan.ruleset(family) for family in families], clear=cleared)
            await self._inside("nft", "-f", "-", stdin=text)
            return
        for family in families:
            text = iptables.render(plan.ruleset(family), clear=cleared)
            await self._inside(_RESTORE[family], "--wait", stdin=text)

    async def _prepare(self, plan: Plan) -> None:
        """Addresses and routes come first: rules that need them must find them."""
        await change(
            self._tools, self._name, [f"address replace {address} dev lo" for address in plan.loopback_addresses]
        )
        if plan.route is None:
            return
        await self._threads.write_settings(pin(self._name), _ANY_SOURCE)
        for ruleset in plan.rulesets:
            option, mark, table = _OPTIONS[ruleset.family], plan.route.mark, plan.route.table
            everything = "0.0.0.0/0" if ruleset.family == "ip" else "::/0"
            await self._ip(option, f"route replace local {everything} dev lo table {table}")
            wanted = _RoutingRule(_PREFERENCE, str(table), f"{mark:#x}")
            former = [rule for rule in await self._routing_rules(option) if rule.priority == _PREFERENCE]
            if wanted not in former:
                await self._ip(option, f"rule add fwmark {mark:#x} lookup {table} priority {_PREFERENCE}")
            for rule in former:
                if rule != wanted:
                    await self._remove(option, rule)

    async def _remove_routes(self) -> None:
        for option in _OPTIONS.values():
            for rule in await self._routing_rules(option):
                if rule.priority == _PREFERENCE:
                    await self._remove(option, rule)

    async def _remove(self, option: str, rule: _RoutingRule) -> None:
        await self._ip(option, f"rule delete fwmark {rule.fwmark} lookup {rule.table} priority {rule.priority}")
        await self._ip(option, f"route flush table {rule.table}")

    async def _routing_rules(self, option: str) -> list[_RoutingRule]:
        output = await self._ip(option, "-json rule show")
        return msgspec.json.decode(output or b"[]", type=list[_RoutingRule])

    async def _ip(self, option: str, words: str) -> bytes:
        return await self._tools.run("ip", "-netns", self._name, option, *words.split())

    async def _inside(self, tool: str, *arguments: str, stdin: str) -> None:
        await self._tools.run("nsenter", f"--net={pin(self._name)}", self._tools[tool], *arguments, stdin=stdin)


def _known() -> Sequence[Family]:
    """The families that the kernel has."""
    return ("ip", "ip6") if has_ipv6() else ("ip",)
