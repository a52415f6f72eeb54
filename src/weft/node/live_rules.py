"""What redirects a pod's traffic just now, read from its network. Works whether or not a node process runs."""

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from typing import Final, Literal

import msgspec
from msgspec import Struct

from weft.model.local import RedirectOrder
from weft.node.holder import enter, holder_pid
from weft.node.hub import hub_name
from weft.node.inspection import InspectionError, pod_record
from weft.node.namespaces import pin
from weft.node.settings import NodeSettings
from weft.node.state import pod_id
from weft.node.tools import ToolError, find_tools
from weft.redirect import iptables_parse, nft_parse
from weft.redirect.nft import PREFIX
from weft.redirect.observed import Observed
from weft.redirect.plan import TABLES, Family, PolicyRoute

BackEnd = Literal["iptables (nf_tables)", "iptables (legacy)", "nftables", "none"]

_FAMILIES: Final[dict[Family, str]] = {"ip": "iptables", "ip6": "ip6tables"}
_LEGACY_TABLES: Final[dict[Family, str]] = {"ip": "/proc/net/ip_tables_names", "ip6": "/proc/net/ip6_tables_names"}
_NOTHING: Final[tuple[BackEnd, dict[Family, Observed]]] = ("none", {})
_SERVICES: Final = "weft"
"""The table of services' virtual addresses, which is no redirection to Envoy."""
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_TIMEOUT: Final = 30


class LiveRules(Struct, frozen=True, kw_only=True):
    """What is in force, and what should be.

    `order` is what the node was asked for last, None for a pod without redirection. `back_end` wrote the rules;
    `others` are rules and tables of other back ends, in words.
    """

    order: RedirectOrder | None
    addresses: tuple[str, ...]
    back_end: BackEnd
    observed: Mapping[Family, Observed]
    others: tuple[str, ...]
    routes: Mapping[Family, tuple[PolicyRoute, ...]]
    loopback_addresses: tuple[str, ...]


def read_rules(settings: NodeSettings, namespace: str, pod: str) -> LiveRules:
    """The rules of a pod. Raises InspectionError."""
    record = pod_record(settings, namespace, pod)
    if settings.isolation == "loopback":
        raise InspectionError("with isolation loopback nothing is redirected: there are no rules")
    if record.order.host_network:
        raise InspectionError(f"pod {namespace}/{pod} is on the machine's own network: nothing of it is redirected")
    network = _Network(settings, f"{hub_name(settings.mesh)}-{pod_id(record.order.uid)}")
    found = [(back_end, observed) for back_end, observed in _back_ends(network) if _has_rules(observed)]
    main, observed = found[0] if found else _NOTHING
    return LiveRules(
        order=record.redirect,
        addresses=record.order.addresses,
        back_end=main,
        observed=observed,
        others=(*(f"there are rules of {name}" for name, _ in found[1:]), *_foreign_tables(network)),
        routes={family: tuple(_routes(network, family)) for family in _FAMILIES},
        loopback_addresses=tuple(_loopback_addresses(network)),
    )


class _RoutingRule(Struct, frozen=True):
    """A line of `ip -json rule`."""

    fwmark: str = ""
    table: str = ""


class _Address(Struct, frozen=True):
    local: str = ""


class _Link(Struct, frozen=True):
    """An entry of `ip -json address`."""

    addr_info: tuple[_Address, ...] = ()


class _Network:
    """Runs tools in the network of a pod."""

    def __init__(self, settings: NodeSettings, name: str) -> None:
        try:
            tools = find_tools(settings.search_path)
            outer = enter(holder_pid(settings), tools) if settings.isolation == "userns" else []
        except ToolError as error:
            raise InspectionError(str(error)) from error
        self._enter: Final = [*outer, tools["nsenter"], f"--net={pin(name)}", "--"]
        self.ruleset: Final = self.output("nft", "list", "ruleset")

    def output(self, *command: str) -> str:
        """What the tool prints. Raises InspectionError."""
        try:
            done = subprocess.run(
                [*self._enter, *command],
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_TIMEOUT,
                check=False,
                env={"PATH": _PATH, "LC_ALL": "C"},
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise InspectionError(f"{command[0]}: {error}") from error
        if done.returncode:
            raise InspectionError(f"{' '.join(command)}: {done.stderr.strip()[:500] or 'it failed'}")
        return done.stdout


def _back_ends(network: _Network) -> Iterator[tuple[BackEnd, dict[Family, Observed]]]:
    """What each back end has. That of legacy iptables is only asked where the kernel has tables of it, as asking would
    make them."""
    yield "nftables", {family: nft_parse.parse(network.ruleset, family) for family in _FAMILIES}
    if shutil.which("iptables-nft-save", path=_PATH):
        yield (
            "iptables (nf_tables)",
            {family: _saved(network, f"{_FAMILIES[family]}-nft", family) for family in _FAMILIES},
        )
    if shutil.which("iptables-legacy-save", path=_PATH):
        legacy = [family for family, path in _LEGACY_TABLES.items() if _has_legacy(network, path)]
        yield "iptables (legacy)", {family: _saved(network, f"{_FAMILIES[family]}-legacy", family) for family in legacy}


def _has_legacy(network: _Network, path: str) -> bool:
    try:
        return bool(network.output("cat", path).strip())
    except InspectionError:  # the kernel has none
        return False


def _saved(network: _Network, tool: str, family: Family) -> Observed:
    return iptables_parse.parse(network.output(f"{tool}-save", "-c"), family)


def _has_rules(observed: Mapping[Family, Observed]) -> bool:
    return any(found.rules.tables for found in observed.values())


def _foreign_tables(network: _Network) -> Iterator[str]:
    """Tables of nftables that are neither ours nor those of iptables."""
    known = {*TABLES, *(f"{PREFIX}{name}" for name in TABLES), _SERVICES}
    for family, name in nft_parse.table_names(network.ruleset):
        if family not in ("ip", "ip6", "inet") or name not in known:
            yield f"there is a table of nftables that is not ours: {family} {name}"


def _routes(network: _Network, family: Family) -> Iterator[PolicyRoute]:
    """Marks whose packets stay on this machine."""
    option = "-4" if family == "ip" else "-6"
    output = network.output("ip", option, "-json", "rule", "show")
    for rule in msgspec.json.decode(output or "[]", type=list[_RoutingRule]):
        if rule.fwmark and rule.table.isdigit():
            yield PolicyRoute(int(rule.fwmark, 16), int(rule.table))


def _loopback_addresses(network: _Network) -> Iterator[str]:
    output = network.output("ip", "-json", "address", "show", "dev", "lo")
    for link in msgspec.json.decode(output or "[]", type=list[_Link]):
        yield from (address.local for address in link.addr_info)
