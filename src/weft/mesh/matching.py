"""Matching of labels, hosts and visibility, as the joins need it. Pure."""

from collections.abc import Iterable, Mapping

from weft.ir.values import Labels, LabelTerm, Selector


def term_holds(term: LabelTerm, labels: Mapping[str, str]) -> bool:
    """One requirement on labels, with Kubernetes' rule that `not_in` and `absent` hold where the label is missing."""
    key, operator, values = term
    if operator == "in":
        return labels.get(key) in values
    if operator == "not_in":
        return key not in labels or labels[key] not in values
    return (key in labels) == (operator == "exists")


def selects(selector: Selector, namespace: str, labels: Labels) -> bool:
    """Whether a workload of a namespace is in the set. Labels of the namespace itself are not looked at here."""
    if selector.namespaces is not None and namespace not in selector.namespaces:
        return False
    mapping = dict(labels)
    return all(term_holds(term, mapping) for term in selector.labels)


def visible(visible_to: tuple[str, ...] | None, namespace: str) -> bool:
    """Whether a namespace is among those that may see something; None means all may."""
    return visible_to is None or namespace in visible_to


def host_matches(pattern: str, host: str) -> bool:
    """Whether a host (or a narrower pattern) falls under a pattern: equal, `*`, or `*.suffix` above it."""
    if pattern in (host, "*"):
        return True
    return pattern.startswith("*.") and host.removeprefix("*").endswith(pattern[1:]) and host != pattern[2:]


def is_pattern(host: str) -> bool:
    """Whether several hosts may fall under a host."""
    return host.startswith("*")


def host_candidates(host: str) -> Iterable[str]:
    """All patterns that a host falls under, most specific first: itself, `*.b.c`, `*.c`, `*` (R7)."""
    yield host
    rest = host.removeprefix("*.")
    while "." in rest:
        rest = rest.partition(".")[2]
        yield f"*.{rest}"
    yield "*"


def intersect_hosts(left: str, right: str) -> str | None:
    """The narrower of two hosts or patterns where one falls under the other; None where they don't meet."""
    if host_matches(right, left):
        return left
    return right if host_matches(left, right) else None
