"""An order, checked and split by family: what the rules are made of."""

from ipaddress import IPv4Network, IPv6Network
from typing import Final

from msgspec import Struct

from weft.model.local import RedirectOrder
from weft.redirect import checks
from weft.redirect.checks import OrderError
from weft.redirect.plan import Family, GroupIs, MarkIs, Match, Network, Owner, UserIs

DNS: Final = 53
RETURNING_MARK: Final = 1338
"""What Envoy sends to this pod itself, on its way from the outbound to the inbound listener (TPROXY only)."""

_PASSTHROUGH: Final[dict[Family, Network]] = {"ip": IPv4Network("127.0.0.6/32"), "ip6": IPv6Network("::6/128")}
"""Envoy's inbound connections to the application are bound to this address, so that they are known here."""
_IPV6_LOOPBACK: Final = IPv6Network("::1/128")
_IPV4_LOOPBACK: Final = IPv4Network("127.0.0.0/8")
_MOST_GROUPS: Final = 64
"""All included groups are one rule, and a rule has room for so many of them (Istio's limit)."""
_HIGHEST_MARK: Final = 2**32 - 1
_HIGHEST_TABLE: Final = 2**32 - 1
_RESERVED_TABLES: Final = range(253, 256)
"""default, main and local (ip-route(8))."""


class Proxy(Struct, frozen=True):
    """How Envoy's own traffic is told: what is true of it, and of all other traffic."""

    own: Match
    others: Match

    @property
    def asks_for_names(self) -> bool:
        """Whether traffic to DNS servers is told apart for it; Istio does so for users and not for groups."""
        return not isinstance(self.own, GroupIs)


class Settings(Struct, frozen=True, kw_only=True):
    """One family's share of an order. None is everything, where a list may be that."""

    family: Family
    transparent: bool
    proxies: tuple[Proxy, ...]
    outbound_port: int
    inbound_port: int
    tunnel_port: int
    tproxy_mark: int
    loopback: Network
    loopback_included: bool
    include_networks: list[Network] | None
    exclude_networks: list[Network]
    include_outbound_ports: list[int]
    exclude_outbound_ports: list[int]
    include_inbound_ports: list[int] | None
    exclude_inbound_ports: list[int]
    include_groups: list[Owner] | None
    exclude_groups: list[Owner]
    exclude_interfaces: list[str]
    virtual_interfaces: list[str]
    dns_servers: list[Network] | None
    dns_port: int
    drop_invalid: bool

    @property
    def passthrough(self) -> Network:
        """Where Envoy's inbound connections to the application come from."""
        return _PASSTHROUGH[self.family]

    @property
    def captures_dns(self) -> bool:
        """Whether any DNS goes to Envoy."""
        return self.dns_servers is None or bool(self.dns_servers)


def settings(order: RedirectOrder, family: Family) -> Settings:
    """The order's share of that family. Raises OrderError."""
    include = checks.networks_or_all(order.include_outbound_cidrs, "include_outbound_cidrs")
    loopback = checks.loopback(order.loopback_cidr, "loopback_cidr")
    return Settings(
        family=family,
        transparent=order.interception == "tproxy",
        proxies=_proxies(order),
        outbound_port=checks.port(order.outbound_port, "outbound_port"),
        inbound_port=checks.port(order.inbound_port, "inbound_port"),
        tunnel_port=checks.port(order.tunnel_port, "tunnel_port"),
        tproxy_mark=_mark(order.tproxy_mark, "tproxy_mark"),
        loopback=loopback if family == "ip" else _IPV6_LOOPBACK,
        loopback_included=any(_is_loopback(network) for network in include or ()),
        include_networks=None if include is None else _of_family(include, family),
        exclude_networks=_of_family(checks.networks(order.exclude_outbound_cidrs, "exclude_outbound_cidrs"), family),
        include_outbound_ports=checks.ports(order.include_outbound_ports, "include_outbound_ports"),
        exclude_outbound_ports=checks.ports(order.exclude_outbound_ports, "exclude_outbound_ports"),
        include_inbound_ports=checks.ports_or_all(order.include_inbound_ports, "include_inbound_ports"),
        exclude_inbound_ports=checks.ports(order.exclude_inbound_ports, "exclude_inbound_ports"),
        include_groups=_included_groups(order),
        exclude_groups=checks.owners(order.exclude_owner_groups, "exclude_owner_groups"),
        exclude_interfaces=checks.interfaces(order.exclude_interfaces, "exclude_interfaces"),
        virtual_interfaces=checks.interfaces(order.virtual_interfaces, "virtual_interfaces"),
        dns_servers=_dns_servers(order, family),
        dns_port=checks.port(order.dns_port, "dns_port"),
        drop_invalid=order.drop_invalid,
    )


def route_table(order: RedirectOrder) -> int:
    """The routing table for TPROXY. Raises OrderError for one that has other work."""
    table = checks.number(order.tproxy_table, "tproxy_table", _HIGHEST_TABLE, least=1)
    if table in _RESERVED_TABLES:
        raise OrderError("tproxy_table", f"{table} is one of the machine's own routing tables: choose another number")
    return table


def _proxies(order: RedirectOrder) -> tuple[Proxy, ...]:
    if order.proxy_mark is not None:
        if order.interception == "tproxy":
            raise OrderError(
                "proxy_mark",
                "TPROXY marks packets itself, so Envoy must be told by its group: that takes isolation netns",
            )
        mark = _mark(order.proxy_mark, "proxy_mark")
        return (Proxy(MarkIs(mark), MarkIs(mark, negated=True)),)
    users = checks.owners(order.proxy_users, "proxy_users")
    groups = users if order.proxy_groups is None else checks.owners(order.proxy_groups, "proxy_groups")
    return (
        *(Proxy(UserIs(user), UserIs(user, negated=True)) for user in users),
        *(Proxy(GroupIs(group), GroupIs(group, negated=True)) for group in groups),
    )


def _included_groups(order: RedirectOrder) -> list[Owner] | None:
    groups = checks.owners_or_all(order.include_owner_groups, "include_owner_groups")
    if groups is not None and len(groups) > _MOST_GROUPS:
        raise OrderError("include_owner_groups", f"{len(groups)} groups are too many: name at most {_MOST_GROUPS}")
    if groups is not None and order.exclude_owner_groups:
        reason = "they only apply where all groups are included: include all, or exclude none"
        raise OrderError("exclude_owner_groups", reason)
    return groups


def _dns_servers(order: RedirectOrder, family: Family) -> list[Network] | None:
    """None: whatever server is asked."""
    servers = checks.addresses(order.dns_servers, "dns_servers")
    if not order.capture_dns:
        return []
    if order.capture_all_dns:
        return None
    if not servers:
        raise OrderError("dns_servers", "DNS is to be captured, but no server is named: name them, or capture all DNS")
    return _of_family(servers, family)


def _mark(value: int, field: str) -> int:
    return checks.number(value, field, _HIGHEST_MARK, least=1)


def _of_family(networks: list[Network], family: Family) -> list[Network]:
    version = 4 if family == "ip" else 6
    return [network for network in networks if network.version == version]


def _is_loopback(network: Network) -> bool:
    if isinstance(network, IPv4Network):
        return network.subnet_of(_IPV4_LOOPBACK)
    return network == _IPV6_LOOPBACK
