"""What Weft reads of Istio's ProxyConfig: `defaultConfig` of MeshConfig, and the annotation `proxy.istio.io/config`.

Names follow istio.io/api, `mesh/v1alpha1/proxy.proto`. Of it count the number of threads (`concurrency`), and of the
environment of proxies (`proxyMetadata`) whether they answer DNS, and, of the whole mesh, whether they get clusters on
demand, which is Weft's.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from weft.model.inline_yaml import parse_fields

PROXY_CONFIG: Final = "proxy.istio.io/config"
"""The annotation of a pod whose text is a ProxyConfig (YAML); it comes before the mesh's `defaultConfig`."""

METADATA: Final = "proxyMetadata"
CONCURRENCY: Final = "concurrency"
_CAPTURE: Final = "ISTIO_META_DNS_CAPTURE"
ON_DEMAND: Final = "WEFT_ON_DEMAND_CLUSTERS"
_WITHOUT_EFFECT: Final = frozenset({"ISTIO_META_DNS_AUTO_ALLOCATE"})
"""Hosts without an address always get one, as in newer versions of Istio (PILOT_ENABLE_IP_AUTOALLOCATE)."""

_MOST_THREADS: Final = 1024
_VALUES: Final = {"true": True, "1": True, "t": True, "false": False, "0": False, "f": False, "": False}
"""Truth in Istio's environment (Go, strconv.ParseBool)."""


def parse_proxy_config(text: str) -> dict[str, Any]:
    """The fields of the annotation's text; raises ValueError with the reason."""
    return parse_fields(text)


def captures_dns(config: Mapping[str, Any]) -> bool | None:
    """Whether a proxy shall answer its workload's DNS; None where the configuration does not say, or not well."""
    return _truth(config, _CAPTURE)


def on_demand(config: Mapping[str, Any]) -> bool | None:
    """Whether proxies get clusters when requests ask for them; None where it does not say, or not well."""
    return _truth(config, ON_DEMAND)


def _truth(config: Mapping[str, Any], variable: str) -> bool | None:
    metadata = config.get(METADATA)
    if not isinstance(metadata, dict) or variable not in metadata:
        return None
    return _VALUES.get(str(metadata[variable]).lower())


def concurrency(config: Mapping[str, Any]) -> int | None:
    """The number of a proxy's worker threads, 0 for one for each processor; None where the configuration does not say,
    or not well.
    """
    stated = config.get(CONCURRENCY)
    if not isinstance(stated, int) or isinstance(stated, bool):
        return None
    return stated if 0 <= stated <= _MOST_THREADS else None


def unread_fields(config: Mapping[str, Any], *, of_mesh: bool = False) -> Iterator[tuple[str, ...]]:
    """Paths of all that says something and is not read; `of_mesh`: of the configuration of all proxies."""
    for name, value in config.items():
        if name == METADATA and isinstance(value, dict):
            read = {_CAPTURE, ON_DEMAND} if of_mesh else {_CAPTURE}
            known = _WITHOUT_EFFECT | {each for each in read if _truth(config, each) is not None}
            yield from ((METADATA, str(key)) for key in value if key not in known)
        elif value and (name != CONCURRENCY or concurrency(config) is None):
            yield (name,)
