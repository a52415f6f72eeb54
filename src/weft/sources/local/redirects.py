"""How a pod's traffic gets to its sidecar, as its annotations say (Istio, `traffic.sidecar.istio.io/...`). Pure."""

from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct, structs

from weft.dialects.kubernetes.pod import INTERCEPTION_MODE, interception_of
from weft.model.local import RedirectOrder
from weft.redirect.checks import OrderError
from weft.redirect.sidecar import sidecar_plan

_FIELDS: Final = {
    "traffic.sidecar.istio.io/includeOutboundIPRanges": "include_outbound_cidrs",
    "traffic.sidecar.istio.io/excludeOutboundIPRanges": "exclude_outbound_cidrs",
    "traffic.sidecar.istio.io/includeOutboundPorts": "include_outbound_ports",
    "traffic.sidecar.istio.io/excludeOutboundPorts": "exclude_outbound_ports",
    "traffic.sidecar.istio.io/includeInboundPorts": "include_inbound_ports",
    "traffic.sidecar.istio.io/excludeInboundPorts": "exclude_inbound_ports",
    "traffic.sidecar.istio.io/excludeInterfaces": "exclude_interfaces",
    "traffic.sidecar.istio.io/kubevirtInterfaces": "virtual_interfaces",
    "istio.io/reroute-virtual-interfaces": "virtual_interfaces",
}
_MODES: Final = ("REDIRECT", "TPROXY", "NONE")


class BadAnnotation(Struct, frozen=True):
    """An annotation whose value means nothing, and why."""

    name: str
    reason: str


def redirect_order(annotations: Mapping[str, str]) -> RedirectOrder:
    """The order that annotations ask for; ports of Envoy's own are never captured."""
    stated = {field: _list(annotations[name]) for name, field in _FIELDS.items() if name in annotations}
    excluded = (*RedirectOrder().exclude_inbound_ports, *stated.pop("exclude_inbound_ports", ()))
    return structs.replace(
        RedirectOrder(),
        **stated,
        exclude_inbound_ports=tuple(dict.fromkeys(excluded)),
        interception=interception_of(annotations),
    )


def bad_annotations(annotations: Mapping[str, str]) -> Iterator[BadAnnotation]:
    """Annotations that Istio's injection would refuse the pod for."""
    mode = annotations.get(INTERCEPTION_MODE, _MODES[0])
    if mode not in _MODES:
        yield BadAnnotation(INTERCEPTION_MODE, f"{mode[:40]!r} is no way of interception: write {', '.join(_MODES)}")
    for name in _FIELDS:
        if name in annotations:
            try:
                sidecar_plan(redirect_order({name: annotations[name]}))
            except OrderError as error:
                yield BadAnnotation(name, error.reason)


def _list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
