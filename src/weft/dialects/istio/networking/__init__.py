"""Istio's networking API, compiled to services, routes, traffic policies, gateways and egress of the neutral model."""

from typing import Final

from weft.dialects.compiled import Compile
from weft.dialects.istio.networking.destination_rule.compiling import compile_destination_rule
from weft.dialects.istio.networking.gateway import compile_gateway
from weft.dialects.istio.networking.service_entry import compile_service_entry
from weft.dialects.istio.networking.sidecar import compile_sidecar
from weft.dialects.istio.networking.virtual_service.compiling import compile_virtual_service
from weft.dialects.istio.networking.workload_entry import compile_workload_entry

COMPILERS: Final[dict[str, Compile]] = {
    "VirtualService.networking.istio.io": compile_virtual_service,
    "DestinationRule.networking.istio.io": compile_destination_rule,
    "Gateway.networking.istio.io": compile_gateway,
    "ServiceEntry.networking.istio.io": compile_service_entry,
    "WorkloadEntry.networking.istio.io": compile_workload_entry,
    "Sidecar.networking.istio.io": compile_sidecar,
}
"""The function for each kind of readable object. A broken one counts as absent."""
