"""Rules before they are attached: each match still knows at which gateways it counts."""

from collections.abc import Iterable
from itertools import groupby

from msgspec import Struct
from msgspec.structs import replace

from weft.ir.routing import HttpMatch, RouteRule

MESH = "mesh"
"""The name that stands for all sidecars among `gateways`."""


class Branch(Struct, frozen=True):
    """One match of a rule, and the gateways it is limited to (none: wherever the rule is attached).

    `name` and `stat` are its own: what logs and statistics call its requests.
    """

    match: HttpMatch
    gateways: tuple[str, ...] = ()
    name: str = ""
    stat: str = ""


class Draft(Struct, frozen=True):
    """A rule without its matches, and those; None matches everything, () nothing."""

    rule: RouteRule
    branches: tuple[Branch, ...] | None = None


def rules_at(drafts: Iterable[Draft], gateway: str) -> tuple[RouteRule, ...]:
    """The rules that hold at one place: `mesh`, or a gateway as `namespace/name`.

    Neighbouring matches of a rule with one `name` and `statPrefix` stay together; a change of these splits the rule.
    The name of a match follows that of its rule (Istio, HTTPMatchRequest.name).
    """
    return tuple(rule for draft in drafts for rule in _rules(draft, gateway))


def _rules(draft: Draft, gateway: str) -> Iterable[RouteRule]:
    if not draft.branches:
        yield draft.rule if draft.branches is None else replace(draft.rule, matches=())
        return
    here = [branch for branch in draft.branches if not branch.gateways or gateway in branch.gateways]
    for part, ((name, stat), group) in enumerate(groupby(here, key=lambda branch: (branch.name, branch.stat))):
        matches = tuple(branch.match for branch in group)
        yield replace(
            draft.rule,
            name=f"{draft.rule.name}.{name}" if name else draft.rule.name,
            rank=(*draft.rule.rank, part),
            matches=None if HttpMatch() in matches else matches,
            stat=stat,
        )
