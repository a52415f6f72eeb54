"""A service plan as input of `nft -f`.

nftables, because one lookup in a map finds the service however many there are (iptables tries a rule for each), and one
transaction replaces the table. The chain runs after iptables' nat OUTPUT (priority -100, nft(8)): the kernel asks
further chains only for connections that no earlier one has translated, so what a sidecar takes never gets here.
"""

from collections.abc import Iterable
from typing import Final

from weft.base.families import FAMILIES, Family
from weft.redirect.services import ServicePlan, VirtualPort

TABLE: Final = "weft"
_PRIORITY: Final = -90
_SEED: Final = "0x77656674"
"""Any constant: without one, each new table would hash otherwise."""
_WORDS: Final[dict[Family, tuple[str, str]]] = {"IPv4": ("ip", "ipv4_addr"), "IPv6": ("ip6", "ipv6_addr")}
"""What nft calls a family, and the type of its addresses."""


def render_services(plan: ServicePlan, families: Iterable[Family] = FAMILIES) -> str:
    """The text that replaces the tables of virtual addresses (one of each family) by this plan, whether or not there
    were any."""
    return "".join(_table(plan.of(family), *_WORDS[family]) for family in families)


def _table(plan: ServicePlan, word: str, kind: str) -> str:
    served = [port for port in plan.ports if port.endpoints]
    return "\n".join(
        [
            f"table {word} {TABLE} {{ }}",
            f"delete table {word} {TABLE}",
            f"table {word} {TABLE} {{",
            *_declaration("map services", f"{kind} . inet_proto . inet_service : verdict", map(_element, served)),
            *_declaration("set addresses", kind, map(str, plan.addresses)),
            *(line for port in served for line in _chain(port, word)),
            "chain translate {",
            f"type nat hook output priority {_PRIORITY}; policy accept;",
            f"{word} daddr . meta l4proto . th dport vmap @services",
            "}",
            "chain refuse {",
            "type filter hook output priority 0; policy accept;",
            f"{word} daddr @addresses reject",
            "}",
            "}",
            "",
        ]
    )


def _declaration(name: str, kind: str, elements: "map[str]") -> list[str]:
    """A set or map; nft takes no empty list of elements."""
    listed = ", ".join(elements)
    return [f"{name} {{", f"type {kind};", *([f"elements = {{ {listed} }}"] if listed else []), "}"]


def _element(port: VirtualPort) -> str:
    return f"{port.address} . {port.protocol} . {port.port:d} : goto {_chain_name(port)}"


def _chain(port: VirtualPort, word: str) -> list[str]:
    """The chain that sends a new connection to a random endpoint, or to one that follows from the client's address.

    A hash and not a memory of clients: it outlives the table, which is replaced whenever any service changes.
    """
    size = len(port.endpoints)
    choice = f"jhash {word} saddr mod {size} seed {_SEED}" if port.sticky else f"numgen random mod {size}"
    choices = ", ".join(f"{index} : {address} . {to:d}" for index, (address, to) in enumerate(port.endpoints))
    return [
        f"chain {_chain_name(port)} {{",
        f"meta l4proto {port.protocol} dnat {word} to {choice} map {{ {choices} }}",
        "}",
    ]


def _chain_name(port: VirtualPort) -> str:
    return f"service_{int(port.address):08x}_{port.protocol}_{port.port:d}"
