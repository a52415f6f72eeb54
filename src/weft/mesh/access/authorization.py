"""Which authorizations are in force at a workload, and which of their rules don't fit what flows there. Pure."""

from collections.abc import Iterable, Iterator
from typing import Final, Literal

from weft.ir.access import Authorization, AuthzRule
from weft.ir.conditions import has_request_conditions
from weft.ir.settings import WorkloadClass
from weft.mesh.access.coverage import age, covers

GATES: Final = ("network", "request", "port")
"""The gates of a point, in the order in which the caller sees their answers (A2)."""


def authorizations_for(
    fragments: Iterable[Authorization], server: WorkloadClass, direction: Literal["in", "out"] = "in"
) -> tuple[Authorization, ...]:
    """All that is in force at workloads of a class, in the order of judgement: by gate, tier, age and name."""
    found = (each for each in fragments if each.direction == direction and covers(each.target, server))
    return tuple(sorted(found, key=lambda each: (GATES.index(each.gate), each.tier, *age(each.source))))


def rules_about_requests(authorizations: Iterable[Authorization]) -> Iterator[AuthzRule]:
    """Rules that are skipped or widened where bytes are not HTTP (A9): each is an issue at such a port.

    A rule's `unparsed` tells which of the two, its `source` the object and field.
    """
    for each in authorizations:
        yield from (rule for rule in each.rules if has_request_conditions(rule))
