"""Which pods get a proxy of their own: the decision of Istio's injection webhook and its selectors."""

from collections.abc import Mapping
from typing import Final, Literal

from weft.model.kubernetes import PodSpec

Template = Literal["none", "sidecar", "gateway"]

INJECTED: Final = "sidecar.istio.io/status"
"""The annotation that tells that a pod has a proxy of its own; injection writes it (Istio)."""

PROXY_CONTAINER: Final = "istio-proxy"
"""A container of this name stands for the Envoy that is injected; it is none of the application's (Istio)."""

_GATEWAY: Final = "gateway"
_GATEWAY_ARGUMENTS: Final = ("proxy", "router")
_INJECT: Final = "sidecar.istio.io/inject"
_NAMESPACE_INJECTION: Final = "istio-injection"
_REVISION: Final = "istio.io/rev"
_TEMPLATES: Final = "inject.istio.io/templates"
_TRUE: Final = frozenset({"y", "yes", "true", "on"})


def injected_template(
    labels: Mapping[str, str],
    annotations: Mapping[str, str],
    namespace_labels: Mapping[str, str],
    *,
    host_network: bool,
) -> Template:
    """What is injected into a pod: nothing, a sidecar, or the proxy of a gateway.

    A namespace is in by `istio-injection=enabled` or any revision `istio.io/rev`, and out by `istio-injection` of any
    other value. In such a namespace the pod may say no; in one that says nothing the pod may say yes, by label (the
    webhook's selectors see no annotations there) or with a revision. Pods of the host's network never get a proxy.
    """
    if host_network or not _is_called(labels, namespace_labels) or not _is_wanted(labels, annotations):
        return "none"
    return "gateway" if _asks_for_gateway(annotations) else "sidecar"


def found_template(annotations: Mapping[str, str], spec: PodSpec) -> Template:
    """What was injected into a pod that a cluster made already, or was written by hand as the proxy of a gateway."""
    proxies = (each for each in spec.containers if each.name == PROXY_CONTAINER)
    if any(each.args[:2] == _GATEWAY_ARGUMENTS for each in proxies):
        return "gateway"
    if INJECTED not in annotations:
        return "none"
    return "gateway" if _asks_for_gateway(annotations) else "sidecar"


def wants_sidecar(
    labels: Mapping[str, str],
    annotations: Mapping[str, str],
    namespace_labels: Mapping[str, str],
    *,
    host_network: bool,
) -> bool:
    """Whether a pod gets a proxy of its own, as a sidecar or as a gateway."""
    return injected_template(labels, annotations, namespace_labels, host_network=host_network) != "none"


def _asks_for_gateway(annotations: Mapping[str, str]) -> bool:
    return _GATEWAY in (each.strip() for each in annotations.get(_TEMPLATES, "").split(","))


def _is_called(labels: Mapping[str, str], namespace_labels: Mapping[str, str]) -> bool:
    """Whether a webhook's selectors match: they compare namespace and pod labels with fixed values."""
    if labels.get(_INJECT) == "false":
        return False
    if _NAMESPACE_INJECTION in namespace_labels:
        return namespace_labels[_NAMESPACE_INJECTION] == "enabled"
    return _REVISION in namespace_labels or _REVISION in labels or labels.get(_INJECT) == "true"


def _is_wanted(labels: Mapping[str, str], annotations: Mapping[str, str]) -> bool:
    """What the pod says once the webhook is called; the label wins over the annotation, nothing means yes."""
    stated = labels.get(_INJECT, annotations.get(_INJECT, ""))
    return not stated or stated.lower() in _TRUE
