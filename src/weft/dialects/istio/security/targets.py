"""What a security policy applies to: the mesh, a namespace, selected workloads, or the objects that it names.

Rules of the API (type.istio.io WorkloadSelector, PolicyTargetReference): a policy selects in its own namespace; one in
the root namespace selects in all; without selector it applies to all of these workloads. A policy that names targets
applies to no workload.
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from weft.ir.values import LabelTerm, Selector, Target, TargetKind
from weft.model.fields import format_path
from weft.model.istio_security import (
    AuthorizationPolicy,
    PolicyTargetReference,
    RequestAuthentication,
)
from weft.model.istio_type import WorkloadSelector

_LONGEST_LABEL: Final = 63
_KIND_OF_TARGET: Final[dict[tuple[str, str], TargetKind]] = {
    ("gateway.networking.k8s.io", "Gateway"): "gateway",
    ("", "Service"): "service",
    ("core", "Service"): "service",
    ("networking.istio.io", "ServiceEntry"): "service",
}
_GATEWAY_CLASS: Final = ("gateway.networking.k8s.io", "GatewayClass")


def workload_target(namespace: str, selector: WorkloadSelector | None, root_namespace: str) -> Target:
    """The target of a policy of a namespace; a selector without labels selects all, as if it were absent."""
    in_root = namespace == root_namespace
    if selector is None or not selector.match_labels:
        return Target("mesh") if in_root else Target("namespace", namespace)
    labels: tuple[LabelTerm, ...] = tuple((key, "in", (value,)) for key, value in sorted(selector.match_labels.items()))
    return Target("workloads", namespace, select=Selector(None if in_root else (namespace,), labels=labels))


def reference_targets(namespace: str, references: tuple[PolicyTargetReference, ...]) -> tuple[Target, ...]:
    """The gateways and services that a policy names, as far as the model has them; classes of gateways are none."""
    kinds = ((_KIND_OF_TARGET.get((each.group, each.kind)), each.name) for each in references)
    return tuple(Target(kind, namespace, name) for kind, name in kinds if kind is not None)


def references(spec: AuthorizationPolicy | RequestAuthentication) -> tuple[PolicyTargetReference, ...]:
    """All that a policy names in `targetRef` and `targetRefs`."""
    return (*((spec.target_ref,) if spec.target_ref else ()), *spec.target_refs)


def selector_problems(selector: WorkloadSelector | None) -> Iterator[tuple[str, str]]:
    """(path, message) for every label that can't be selected by; selectors have no wildcards."""
    for key, value in selector.match_labels.items() if selector else ():
        path = format_path(("spec", "selector", "matchLabels", key))
        if not key:
            yield path, "the name of a label is empty"
        elif "*" in key or "*" in value:
            yield path, "a selector has no wildcards; leave the label out to select any value"
        elif len(value) > _LONGEST_LABEL:
            yield path, f"the value of a label has at most {_LONGEST_LABEL} characters"


def reference_problems(spec: AuthorizationPolicy | RequestAuthentication) -> Iterator[tuple[str, str]]:
    """(path, message) for everything that is wrong with what a policy names."""
    if spec.target_ref and spec.target_refs:
        yield "spec.targetRefs", "targetRef and targetRefs exclude each other"
    if references(spec) and spec.selector is not None:
        yield "spec.selector", "selector and targetRefs exclude each other"
    if spec.target_ref:
        yield from _one_reference_problems(spec.target_ref, "spec.targetRef")
    for index, each in enumerate(spec.target_refs):
        yield from _one_reference_problems(each, f"spec.targetRefs[{index}]")


def _one_reference_problems(reference: PolicyTargetReference, path: str) -> Iterator[tuple[str, str]]:
    if not reference.name:
        yield f"{path}.name", "the name of the target is missing"
    if reference.namespace:
        yield f"{path}.namespace", "a target is always in the policy's own namespace: leave this out"
    if not _is_known(reference):
        yield f"{path}.kind", f"a {reference.kind or 'kind'} of group {reference.group!r} can't be a target"


def _is_known(reference: PolicyTargetReference) -> bool:
    return (reference.group, reference.kind) in (*_KIND_OF_TARGET, _GATEWAY_CLASS)


def readable_targets(spec: dict[str, Any], namespace: str, root_namespace: str) -> tuple[Target, ...]:
    """What a policy that can't be used as a whole applies to, as far as its text says; else its namespace.

    The text is the object's `spec`. A selector, where there is one, decides; else the targets that are named.
    """
    try:
        selector = msgspec.convert(spec.get("selector"), WorkloadSelector | None)
        named = msgspec.convert([*_written(spec, "targetRef"), *spec.get("targetRefs", ())], _References)
    except (msgspec.ValidationError, TypeError):
        return (workload_target(namespace, None, root_namespace),)
    if any(selector_problems(selector)):
        selector = None
    if named and selector is None and all(_is_known(each) and each.name for each in named):
        return reference_targets(namespace, named)
    return (workload_target(namespace, selector, root_namespace),)


_References = tuple[PolicyTargetReference, ...]


def _written(spec: dict[str, Any], key: str) -> tuple[Any, ...]:
    return (spec[key],) if key in spec else ()
