"""Types of `type.istio.io` that several of Istio's APIs use (istio.io/api, type/v1beta1)."""

from msgspec import Struct


class WorkloadSelector(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Workloads that have all of these labels; no labels select all."""

    match_labels: dict[str, str] = {}
