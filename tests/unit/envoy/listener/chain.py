"""Filter chains of built listeners, reduced to what they match and what they lead to."""

from collections.abc import Iterator
from typing import Any

from google.protobuf.message import Message
from tests.unit.envoy.make import json_of


def chains(listener: Message) -> list[Any]:
    """Returns all chains, the default one last."""
    built = json_of(listener)
    default = [built["defaultFilterChain"]] if "defaultFilterChain" in built else []
    return [*built["filterChains"], *default] if "filterChains" in built else default


def leads_to(chain: Any) -> Any:
    """Returns the route table of an HTTP chain, or the cluster (or clusters with weights) of a chain of bytes."""
    config = chain["filters"][-1]["typedConfig"]
    if "rds" in config:
        return f"routes {config['rds']['routeConfigName']}"
    if "cluster" in config:
        return config["cluster"]
    return [(each["name"], each["weight"]) for each in config["weightedClusters"]["clusters"]]


def filters(chain: Any) -> list[str]:
    """Returns the names of a chain's network filters."""
    return [each["name"].rpartition(".")[2] for each in chain["filters"]]


def http_filters(chain: Any) -> list[str]:
    """Returns the names of the HTTP filters of a chain."""
    return [each["name"] for each in chain["filters"][-1]["typedConfig"]["httpFilters"]]


def inspectors(listener: Message) -> dict[str, Any]:
    """Returns the listener filters by their short names, with the ports on which they are off."""
    return {each["name"].rpartition(".")[2]: list(_off(each)) for each in json_of(listener).get("listenerFilters", [])}


def _off(inspector: Any) -> Iterator[int]:
    disabled = inspector.get("filterDisabled", {})
    for rule in disabled.get("orMatch", {}).get("rules", [disabled] if disabled else []):
        yield rule["destinationPortRange"]["start"]
