"""Rules before they are attached: each match still knows at which gateways it counts."""

from collections.abc import Iterable
from itertools import groupby

from msgspec import Struct
from msgspec.structs import replace

from weft.ir.routing import HttpMatch, RouteRule

MESH = "mesh"
"""The name that stands for all sidecars among `gateways`."""


class Branch(Struct, frozen=True):
    """One match of a rule, the gateways it is limited to (none: wherever the rule is attached), and its statistics."""

    match: HttpMatch
    gateways: tuple[str, ...] = ()
    stat: str = ""


class Draft(Struct, frozen=True):
    """A rule without its matches, and those; None matches everything, () nothing."""

    rule: RouteRule
    branches: tuple[Branch, ...] | None = None


def rules_at(drafts: Iterable[Draft], gateway: str) -> tuple[RouteRule, ...]:
    """The rules that hold at one place: `mesh`, or a gateway as `namespace/name`.

    Neighbouring matches of a rule with one `statPrefix` stay together; a change of it splits the rule.
    """
    return tuple(rule for draft in drafts for rule in _rules(draft, gateway))


def _rules(draft: Draft, gateway: str) -> Iterable[RouteRule]:
    if not draft.branches:
        yield draft.rule if draft.branches is None else replace(draft.rule, matches=())
        return
    here = [branch for branch in draft.branches if not branch.gateways or gateway in branch.gateways]
    for part, (stat, group) in enumerate(groupby(here, key=lambda branch: branch.stat)):
        matches = tuple(branch.match for branch in group)
        always = HttpMatch() in matches
        yield replace(draft.rule, rank=(*draft.rule.rank, part), matches=None if always else matches, stat=stat)
