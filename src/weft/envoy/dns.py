"""Destinations with names: clusters whose endpoints are looked up, and those whose hosts requests name.

For the latter a cluster and an HTTP filter share a cache of DNS.
"""

from collections.abc import Sequence
from typing import Any, Final

from weft.base import protobuf
from weft.base.families import Family
from weft.envoy.messages import extension, milliseconds

DYNAMIC_DNS_FILTER: Final = "envoy.filters.http.dynamic_forward_proxy"

_DNS_WITHOUT_TTL: Final = 60_000  # Istio, MeshConfig.dnsRefreshRate; answers with a time to live count for that long
_DNS_RETRY: Final = (1_000, 60_000)
_PREFERRED: Final[dict[Family, str]] = {"IPv4": "V4_PREFERRED", "IPv6": "AUTO"}
"""AUTO asks for addresses of IPv6 first, and takes the others only if there are none."""

_CACHE: Final = {"name": "dynamic_dns", "dns_lookup_family": "V4_PREFERRED"}


def dns_cluster(*, one: bool, families: Sequence[Family] = ("IPv4",)) -> dict[str, Any]:
    """Returns the cluster_type of endpoints that are names.

    `one`: of a name's addresses only the first is used at a time (for names with many, changing addresses). Addresses
    of the first of the `families` are preferred.
    """
    first, most = _DNS_RETRY
    options = protobuf.new(
        "envoy.extensions.clusters.dns.v3.DnsCluster",
        dns_refresh_rate=milliseconds(_DNS_WITHOUT_TTL),
        dns_failure_refresh_rate={"base_interval": milliseconds(first), "max_interval": milliseconds(most)},
        respect_dns_ttl=True,
        dns_lookup_family=_PREFERRED[families[0]],
        all_addresses_in_single_endpoint=one,
    )
    return {"name": "envoy.cluster.dns", "typed_config": protobuf.pack(options)}


def dynamic_cluster() -> dict[str, Any]:
    """Returns the cluster_type of a destination that is resolved by the host of each request.

    "Insecure" is only that the server name of TLS is not forced to be the host: an author may state another.
    """
    full_name = "envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig"
    config = protobuf.new(full_name, dns_cache_config=_CACHE, allow_insecure_cluster_options=True)
    return {"name": "envoy.clusters.dynamic_forward_proxy", "typed_config": protobuf.pack(config)}


def dynamic_dns_filter() -> dict[str, Any]:
    """Returns the HTTP filter that resolves hosts for such clusters; requests to others pass it untouched."""
    full_name = "envoy.extensions.filters.http.dynamic_forward_proxy.v3.FilterConfig"
    return extension(DYNAMIC_DNS_FILTER, full_name, dns_cache_config=_CACHE)
