"""Labels and annotations: docs/reference/annotations.md."""

from collections.abc import Mapping
from typing import Final

from tools.reference.codes import MissingError
from tools.reference.markdown import code, sections, table
from tools.reference.source import texts
from weft.model.local import RedirectOrder

_KEY: Final = r"(istio-injection|([a-z0-9-]+\.)*(istio\.io|kubernetes\.io|k8s\.io|weft\.dev)/[A-Za-z0-9.-]+)"
_NO_KEYS: Final = frozenset(
    {"kubernetes.io/h2c", "kubernetes.io/job-controller", "kubernetes.io/ws", "kubernetes.io/wss", "weft.dev/xds"}
)
"""Texts of that form that are something else: protocols, the name of a controller, and the audience of tokens."""

_EXCLUDED: Final = ", ".join(RedirectOrder().exclude_inbound_ports)
_TRAFFIC: Final = "traffic.sidecar.istio.io/"

LABELS: Final[Mapping[str, tuple[str, str]]] = {
    "istio-injection": ("Namespace", "`enabled`: its pods get a sidecar; any other value: they do not"),
    "istio.io/rev": ("Namespace, Pod", "any value: as `istio-injection: enabled`, where that label is not set"),
    "sidecar.istio.io/inject": ("Pod", "`false`: no sidecar; `true`: one, also where the namespace says nothing"),
    "service.istio.io/canonical-name": ("Pod", "name by which telemetry groups workloads"),
    "app.kubernetes.io/name": ("Pod", "the same, where the one above is not set; then `app`, then the workload's name"),
    "service.istio.io/canonical-revision": ("Pod", "revision by which telemetry groups workloads"),
    "app.kubernetes.io/version": ("Pod", "the same, where the one above is not set; then `version`, then `latest`"),
    "service.istio.io/workload-name": ("Pod", "name of what the pod is a replica of"),
    "topology.istio.io/network": ("Pod", "network that the pod is in"),
    "topology.istio.io/locality": ("Pod", "`region.zone.subzone`, for preferring near endpoints"),
    "security.istio.io/tlsMode": (
        "WorkloadEntry",
        "`istio`: it speaks mutual TLS of the mesh; `disabled`: it does not",
    ),
    "kubernetes.io/service-name": ("EndpointSlice", "the Service that it belongs to"),
    "batch.kubernetes.io/job-name": ("Pod", "the Job that it was made for, set by Weft; also `job-name`"),
    "batch.kubernetes.io/controller-uid": ("Pod", "that Job's uid, set by Weft; also `controller-uid`"),
    "batch.kubernetes.io/job-completion-index": ("Pod", "its index in an indexed Job, set by Weft; an annotation, too"),
    "kubernetes.io/metadata.name": ("Namespace", "its name, set by Weft as Kubernetes does"),
}
ANNOTATIONS: Final[Mapping[str, tuple[str, str]]] = {
    "sidecar.istio.io/inject": ("Pod", "as the label; the label wins"),
    "inject.istio.io/templates": ("Pod", "`gateway`: its Envoy is a gateway and no sidecar"),
    "sidecar.istio.io/logLevel": (
        "Pod",
        "what its Envoy logs of itself: `trace`, `debug`, `info`, `warning` (default) ...",
    ),
    "sidecar.istio.io/interceptionMode": (
        "Pod",
        "`REDIRECT` (default); `TPROXY`: what comes in is seen with its own address; `NONE`: no sidecar",
    ),
    "proxy.istio.io/config": (
        "Pod",
        "settings of its proxy as YAML: `concurrency`, and `ISTIO_META_DNS_CAPTURE` in `proxyMetadata`",
    ),
    "weft.dev/dns-capture": ("Pod", "set by Weft: whether the sidecar answers the pod's DNS"),
    "sidecar.istio.io/status": ("Pod", "set by Weft on pods with an Envoy of their own"),
    "weft.dev/proxy-address": ("Pod", "set by Weft: where its Envoy listens in isolation `loopback`"),
    f"{_TRAFFIC}includeOutboundIPRanges": ("Pod", "only connections to these ranges go through the sidecar"),
    f"{_TRAFFIC}excludeOutboundIPRanges": ("Pod", "connections to these ranges go past it"),
    f"{_TRAFFIC}includeOutboundPorts": ("Pod", "connections to these ports go through it, whatever their range"),
    f"{_TRAFFIC}excludeOutboundPorts": ("Pod", "connections to these ports go past it"),
    f"{_TRAFFIC}includeInboundPorts": ("Pod", "only connections to these ports of the pod come through it"),
    f"{_TRAFFIC}excludeInboundPorts": ("Pod", f"connections to these ports come past it, besides {_EXCLUDED}"),
    f"{_TRAFFIC}excludeInterfaces": ("Pod", "what goes or comes by these interfaces goes past it"),
    f"{_TRAFFIC}kubevirtInterfaces": ("Pod", "what comes by these interfaces is treated as sent by the pod"),
    "istio.io/reroute-virtual-interfaces": ("Pod", "the same"),
    "networking.istio.io/exportTo": ("Service", "namespaces that see it: `*`, `.` (its own), `~` (none) or names"),
    "istio.io/dry-run": (
        "AuthorizationPolicy",
        "`true`: it decides nothing; what it would do is in Envoy's statistics",
    ),
}

_INTRODUCTION: Final = """\
# Labels and annotations

Those that mean something to Weft, beside what selectors ask for. Their meaning is Istio's and Kubernetes' own."""


def annotations_page() -> str:
    """The page. Raises MissingError where it and the code do not know the same keys."""
    used = texts(_KEY) - _NO_KEYS
    known = LABELS.keys() | ANNOTATIONS.keys()
    if used != known:
        raise MissingError(f"labels and annotations: not described {used - known}, not used {known - used}")
    return sections(_INTRODUCTION, "## Labels", _table(LABELS), "## Annotations", _table(ANNOTATIONS))


def _table(keys: Mapping[str, tuple[str, str]]) -> str:
    return table(("key", "on", "meaning"), [(code(key), place, text) for key, (place, text) in keys.items()])
