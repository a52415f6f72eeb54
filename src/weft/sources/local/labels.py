"""Kubernetes' label selectors over labels. Pure."""

from collections.abc import Iterator, Mapping
from typing import Final, Literal

from weft.dialects.names import label_terms
from weft.ir.values import LabelTerm
from weft.mesh.matching import term_holds
from weft.model.kubernetes import LabelSelector

_OPERATORS: Final[Mapping[str, Literal["in", "not_in", "exists", "absent"]]] = {
    "In": "in",
    "NotIn": "not_in",
    "Exists": "exists",
    "DoesNotExist": "absent",
}


def selector_holds(selector: LabelSelector, labels: Mapping[str, str]) -> bool:
    """Whether labels meet all requirements of a selector."""
    return all(term_holds(term, labels) for term in _terms(selector))


def _terms(selector: LabelSelector) -> Iterator[LabelTerm]:
    yield from label_terms(selector.match_labels)
    for each in selector.match_expressions:
        yield each.key, _OPERATORS[each.operator], each.values
