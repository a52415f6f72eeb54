"""Label selectors as kubectl writes them: `app=web,version!=v1,tier in (a,b),!old`."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from weft.ir.values import LabelTerm

_TERM: Final = re.compile(
    r"\s*(?:(?P<absent>!)\s*(?P<gone>[\w./-]+)"
    r"|(?P<key>[\w./-]+)\s*(?:(?P<operator>==|=|!=)\s*(?P<value>[\w.-]*)"
    r"|\s(?P<set>in|notin)\s*\((?P<values>[^()]*)\))?)\s*(?:,|$)"
)


def parse_selector(text: str) -> tuple[LabelTerm, ...]:
    """The requirements of a selector; ValueError where it can't be read."""
    return tuple(_terms(text)) if text.strip() else ()


def _terms(text: str) -> Iterator[LabelTerm]:
    position = 0
    while position < len(text):
        match = _TERM.match(text, position)
        if match is None or match.end() == position:
            forms = "write key=value, key!=value, key in (a,b) or !key"
            raise ValueError(f"{text[position:]!r} is no label selector: {forms}")
        yield _term(match)
        position = match.end()


def _term(match: re.Match[str]) -> LabelTerm:
    if match["absent"]:
        return (match["gone"], "absent", ())
    if match["set"]:
        values = tuple(value.strip() for value in match["values"].split(","))
        return (match["key"], "in" if match["set"] == "in" else "not_in", values)
    if match["operator"]:
        return (match["key"], "not_in" if match["operator"] == "!=" else "in", (match["value"],))
    return (match["key"], "exists", ())


def term_holds(term: LabelTerm, labels: Mapping[str, str]) -> bool:
    """Whether labels meet a requirement; `not_in` holds where the label is missing (Kubernetes)."""
    key, operator, values = term
    if operator == "in":
        return labels.get(key) in values
    if operator == "not_in":
        return key not in labels or labels[key] not in values
    return (key in labels) == (operator == "exists")
