"""Policies and gateways that select no workload."""

from collections.abc import Iterator

from weft.analyze.common import each
from weft.base.issues import Issue, Ref
from weft.ir.access import Authentication, Authorization
from weft.ir.edge import Gateway
from weft.ir.inventory import Workload
from weft.ir.values import Selector
from weft.mesh.fragments import Fragments
from weft.mesh.matching import selects
from weft.mesh.reader import Mesh


def selectors_without_workloads(fragments: Fragments, _: Mesh) -> Iterator[Issue]:
    """IST0127: no workload has the labels that a security policy or a gateway selects by."""
    workloads = [workload for _, workload in each(fragments, Workload)]
    for ref, selector in dict.fromkeys(_selectors(fragments)):
        if not any(selects(selector, workload.namespace, workload.labels) for workload in workloads):
            yield Issue(
                "IST0127",
                "warning",
                ref,
                "spec.selector",
                f"no workload has the labels {_text(selector)}",
                effect="the object has no effect until one has",
                advice="compare the selector with the labels of the pods",
            )


def _selectors(fragments: Fragments) -> Iterator[tuple[Ref, Selector]]:
    yield from ((ref, gateway.workloads) for ref, gateway in each(fragments, Gateway))
    for ref, authentication in each(fragments, Authentication):
        if authentication.target.select is not None:
            yield ref, authentication.target.select
    for ref, authorization in each(fragments, Authorization):
        if authorization.target.select is not None:
            yield ref, authorization.target.select


def _text(selector: Selector) -> str:
    return ", ".join(f"{key}={'|'.join(values)}" for key, _, values in selector.labels) or "{}"
