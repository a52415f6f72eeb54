"""How a cluster chooses an endpoint."""

from typing import Any, Final

from weft.base import protobuf
from weft.envoy.endpoints import ADDRESS_KEY
from weft.envoy.messages import percent, wrapped
from weft.ir.traffic import Balance, TrafficSettings

_SMALLEST_RING: Final = 1024  # Istio, ConsistentHashLB.minimum_ring_size
_POLICIES: Final[dict[Balance, str]] = {
    "least": "LEAST_REQUEST",
    "round_robin": "ROUND_ROBIN",
    "random": "RANDOM",
    "hash_ring": "RING_HASH",
    "hash_table": "MAGLEV",
    "original": "CLUSTER_PROVIDED",
    "utilization": "LOAD_BALANCING_POLICY_CONFIG",
}


_WITHOUT_SUBSETS: Final = frozenset({"original", "utilization"})


def load_balancing(settings: TrafficSettings, *, provided: bool = False, addressed: bool = False) -> dict[str, Any]:
    """Returns the fields of a Cluster that balance its load. Least requests is the default (Istio).

    `provided`: the cluster's kind decides, by the address that the client chose or the host that a request names.
    `addressed`: clients may ask for one endpoint by its address (`endpoints.chosen_endpoint`).
    """
    balance = "original" if provided else settings.balance or "least"
    chosen = {"lb_subset_config": _by_address()} if addressed and balance not in _WITHOUT_SUBSETS else {}
    common = {"lb_policy": _POLICIES[balance], "common_lb_config": _common(settings)}
    return {**common, **_details(balance, settings), **chosen}


def _by_address() -> dict[str, Any]:
    """Each endpoint is a subset of its own. One that is asked for is used even if it is not healthy: as without a
    proxy, it is the client's choice."""
    return {
        "fallback_policy": "ANY_ENDPOINT",
        "subset_selectors": [{"keys": [ADDRESS_KEY], "single_host_per_subset": True}],
    }


def _common(settings: TrafficSettings) -> dict[str, Any]:
    """Without a stated minimum there is no panic: unhealthy endpoints are known to be unready and get no requests."""
    fields: dict[str, Any] = {"healthy_panic_threshold": percent(settings.min_healthy or 0.0)}
    if settings.spread and settings.locality is not False:
        fields["locality_weighted_lb_config"] = {}
    return fields


def _details(balance: Balance, settings: TrafficSettings) -> dict[str, Any]:
    match balance:
        case "hash_ring":
            return {"ring_hash_lb_config": {"minimum_ring_size": wrapped(settings.hash_size or _SMALLEST_RING)}}
        case "hash_table" if settings.hash_size:
            return {"maglev_lb_config": {"table_size": wrapped(settings.hash_size)}}
        case "least" if settings.warmup:
            return {"least_request_lb_config": {"slow_start_config": _slow_start(*settings.warmup)}}
        case "round_robin" if settings.warmup:
            return {"round_robin_lb_config": {"slow_start_config": _slow_start(*settings.warmup)}}
        case "utilization":
            return {"load_balancing_policy": _by_utilization()}
    return {}


def _slow_start(window: int, smallest_share: float, aggression: float) -> dict[str, Any]:
    return {
        "slow_start_window": protobuf.duration(window),
        "aggression": {"default_value": aggression, "runtime_key": "weft.slow_start.aggression"},
        "min_weight_percent": percent(smallest_share),
    }


def _by_utilization() -> dict[str, Any]:
    name = "client_side_weighted_round_robin"
    full_name = f"envoy.extensions.load_balancing_policies.{name}.v3.ClientSideWeightedRoundRobin"
    policy = {"name": f"envoy.load_balancing_policies.{name}", "typed_config": protobuf.pack(protobuf.new(full_name))}
    return {"policies": [{"typed_extension_config": policy}]}
