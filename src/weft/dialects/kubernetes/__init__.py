"""Kubernetes' own objects: services, pods as workloads, and which pods get a sidecar."""

from typing import Final

from weft.dialects.compiled import Compile
from weft.dialects.kubernetes.pod import compile_pod
from weft.dialects.kubernetes.service import LABELS as LABELS
from weft.dialects.kubernetes.service import compile_service

COMPILERS: Final[dict[str, Compile]] = {
    "Pod": compile_pod,
    "Service": compile_service,
}
"""The function for each kind that means something by itself; others are read by these, or by the node."""
