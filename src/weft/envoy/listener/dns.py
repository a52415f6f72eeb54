"""Listeners that answer what a workload asks of DNS, which is redirected to them.

The table of hosts is a listener of its own: a change of a host changes nothing else, and Envoy takes it without losing
a question. (Envoy discovers no configuration of UDP filters by themselves.) Envoy's filter knows A, AAAA and SRV; it
says NXDOMAIN, and not "no such record", to a question for the family that a known name has no address of.
"""

from collections.abc import Iterable
from typing import Any, Final

from google.protobuf.message import Message

from weft.base import protobuf
from weft.base.families import LOOPBACK, family_of
from weft.envoy.cluster import CLUSTER
from weft.envoy.listener.chains import LISTENER, filter_chain
from weft.envoy.messages import address, extension, milliseconds
from weft.envoy.names import (
    BLACKHOLE_CLUSTER,
    DNS_LISTENER,
    DNS_PORT,
    DNS_STREAM_LISTENER,
    PASSTHROUGH_CLUSTER,
    RESOLVERS_CLUSTER,
    statistics_prefix,
)
from weft.envoy.network_filters import to_cluster
from weft.ir.settings import MeshSettings
from weft.ir.view import HostTable

_TIME_TO_LIVE: Final = 30_000  # Istio's agent
_PATIENCE: Final = 5_000  # Istio's agent, for resolvers
_MOST_WAITING: Final = 256
_RETRIES: Final = 1
_RESOLVER_PORT: Final = 53
_ORIGINAL: Final = "envoy.filters.listener.original_dst"
_FILTER: Final = "envoy.extensions.filters.udp.dns_filter.v3.DnsFilterConfig"
_CARES: Final = "envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig"


def dns_listener(table: HostTable, _: MeshSettings) -> Message:
    """Returns the Listener for questions by UDP."""
    config = {
        "stat_prefix": statistics_prefix(DNS_LISTENER),
        "server_config": {"inline_dns_table": _table(table)},
        "client_config": _client(table.resolvers),
    }
    return protobuf.new(
        LISTENER,
        name=DNS_LISTENER,
        listener_filters=[extension("envoy.filters.udp.dns_filter", _FILTER, **config)],
        **_place(table, "UDP"),
    )


def dns_stream_listener(table: HostTable, settings: MeshSettings) -> Message:
    """Returns the Listener for questions by TCP, which resolvers answer and not Envoy; without any it is closed."""
    resolvers = table.resolvers
    target = RESOLVERS_CLUSTER if resolvers else BLACKHOLE_CLUSTER if resolvers == () else PASSTHROUGH_CLUSTER
    original = extension(_ORIGINAL, f"{_ORIGINAL.replace('envoy.', 'envoy.extensions.', 1)}.v3.OriginalDst")
    return protobuf.new(
        LISTENER,
        name=DNS_STREAM_LISTENER,
        listener_filters=[original] if target == PASSTHROUGH_CLUSTER else [],
        filter_chains=[filter_chain(DNS_STREAM_LISTENER, [to_cluster(target, settings)])],
        **_place(table, "TCP"),
    )


def resolvers_cluster(table: HostTable, _: MeshSettings) -> Message:
    """Returns the Cluster of the stated resolvers."""
    endpoints = [{"endpoint": {"address": address(each, _RESOLVER_PORT)}} for each in table.resolvers or ()]
    return protobuf.new(
        CLUSTER,
        name=RESOLVERS_CLUSTER,
        alt_stat_name=statistics_prefix(RESOLVERS_CLUSTER),
        type="STATIC",
        connect_timeout=milliseconds(_PATIENCE),
        load_assignment={"cluster_name": RESOLVERS_CLUSTER, "endpoints": [{"lb_endpoints": endpoints}]},
    )


def _place(table: HostTable, protocol: str) -> dict[str, Any]:
    """Where redirected questions arrive: on loopback, of each family of the workload's addresses."""
    first, *others = (LOOPBACK[family] for family in dict.fromkeys(("IPv4", *table.families)))
    place = {"address": first, "port_value": DNS_PORT, "protocol": protocol}
    also = [{"address": {"socket_address": {**place, "address": each}}} for each in others]
    return {
        "address": {"socket_address": place},
        "additional_addresses": also,
        "traffic_direction": "OUTBOUND",
        "bypass_overload_manager": True,
    }


def _table(table: HostTable) -> dict[str, Any]:
    return {
        "external_retry_count": _RETRIES,
        "virtual_domains": [
            {
                "name": name,
                "endpoint": {"address_list": {"address": answers(addresses)}},
                "answer_ttl": milliseconds(_TIME_TO_LIVE),
            }
            for name, addresses in table.hosts
        ],
    }


def answers(addresses: Iterable[str]) -> list[str]:
    """Returns what is answered for addresses. Those of IPv4 alone are told as IPv6 too, in their mapped form
    (RFC 4291, section 2.5.5.2), which sockets take for what they are.

    C libraries ask for both families at once; musl takes the NXDOMAIN of one for the end of the name.
    """
    found = list(addresses)
    mapped = () if any(family_of(each) == "IPv6" for each in found) else (f"::ffff:{each}" for each in found)
    return [*found, *mapped]


def _client(resolvers: Iterable[str] | None) -> dict[str, Any] | None:
    """Whom to ask for names that are not in the table; None for nobody: then there are no such names."""
    if resolvers == ():
        return None
    stated = [address(each, _RESOLVER_PORT) for each in resolvers or ()]
    options = {"no_default_search_domain": True}
    return {
        "resolver_timeout": milliseconds(_PATIENCE),
        "max_pending_lookups": _MOST_WAITING,
        "typed_dns_resolver_config": extension(
            "envoy.network.dns_resolver.cares", _CARES, resolvers=stated, dns_resolver_options=options
        ),
    }
