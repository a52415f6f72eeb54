"""The judgement of a flow at one point: gates, tiers and rules, as IR 2.1 says (A2, A3, A6, A9, A10). Pure."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from weft.base.provenance import Provenance
from weft.ir.access import Authorization, AuthzRule
from weft.mesh.access.authorization import GATES
from weft.mesh.access.context import RequestContext
from weft.mesh.access.matching import rule_matches

_PRIORITY: Final = ("deny", "check", "pass", "allow")
"""Which action decides among matching rules of one order."""


class Denial(Struct, frozen=True, kw_only=True):
    """Why a gate denies: the rule that decided, or all objects that close its tier.

    `layer` is L4 where the connection alone decides, whatever is sent on it.
    """

    point: str
    gate: str
    tier: int
    rule: Provenance | None = None
    closed_by: tuple[Provenance, ...] = ()
    layer: Literal["L4", "L7"] = "L7"


class Verdict(Struct, frozen=True, kw_only=True):
    """The answer of a point. `per_request`: the connection alone does not decide (A6).

    `denials` names every gate that denies, the one whose answer the caller sees first. `would_deny` are those of
    policies that are only tried out, judged apart (A10); `logged` are the rules that ask for a log entry.
    """

    outcome: Literal["allow", "deny", "per_request"]
    denials: tuple[Denial, ...] = ()
    would_deny: tuple[Denial, ...] = ()
    logged: tuple[Provenance, ...] = ()


_Decision = Denial | Literal["allow", "next"]


def evaluate(authorizations: Iterable[Authorization], context: RequestContext) -> Verdict:
    """Judges a request, a stream of bytes or a bare connection by all authorizations that are in force at a point."""
    in_force = tuple(authorizations)
    enforced = [each for each in in_force if each.enforced]
    decisions = [_gate_decisions(enforced, gate, context) for gate in GATES]
    dry = [each for each in in_force if not each.enforced]
    return Verdict(
        outcome=_outcome(decisions),
        denials=_denials(decisions),
        would_deny=_denials([_gate_decisions(dry, gate, context) for gate in GATES]),
        logged=tuple(_logged(enforced, context)),
    )


def _outcome(gates: list[list[_Decision]]) -> Literal["allow", "deny", "per_request"]:
    if any(map(_denies, gates)):
        return "deny"
    unsettled = any(isinstance(each, Denial) for decisions in gates for each in decisions)
    return "per_request" if unsettled else "allow"


def _denials(gates: list[list[_Decision]]) -> tuple[Denial, ...]:
    """What each gate that denies in any case says first."""
    first = (decisions[0] for decisions in gates if _denies(decisions))
    return tuple(each for each in first if isinstance(each, Denial))


def _denies(decisions: list[_Decision]) -> bool:
    return all(isinstance(each, Denial) for each in decisions)


def _gate_decisions(authorizations: Iterable[Authorization], gate: str, context: RequestContext) -> list[_Decision]:
    """Every answer that the gate may come to: one if all is known, more as long as only the connection is."""
    here = [each for each in authorizations if each.gate == gate]
    found = _walk_tiers(here, context)
    if not _denies(found):
        return found
    alone = context.judged != "request" or _denies(_walk_tiers(here, replace(context, judged="connection")))
    return [replace(each, layer="L4" if alone else "L7") if isinstance(each, Denial) else each for each in found]


def _walk_tiers(authorizations: list[Authorization], context: RequestContext) -> list[_Decision]:
    decisions: list[_Decision] = []
    for _, tier in groupby(sorted(authorizations, key=lambda each: each.tier), key=lambda each: each.tier):
        found = list(_tier_decisions(list(tier), context))
        decisions += [each for each in found if each != "next"]
        if "next" not in found:
            return decisions
    return [*decisions, "allow"]


def _tier_decisions(authorizations: list[Authorization], context: RequestContext) -> Iterator[_Decision]:
    """What the tier may decide: rules in order of precedence, until one surely matches; then what closes it."""
    gate, tier = authorizations[0].gate, authorizations[0].tier
    denial = Denial(point=context.point, gate=gate, tier=tier)
    for rule in _by_precedence(authorizations, context):
        matches = rule_matches(rule, context)
        if matches is not False:
            yield from _rule_decisions(rule, replace(denial, rule=rule.source), context)
        if matches:
            return
    closing = tuple(each.source for each in authorizations if each.closes)
    yield replace(denial, closed_by=closing) if closing else "next"


def _by_precedence(authorizations: list[Authorization], context: RequestContext) -> list[AuthzRule]:
    """Deciding rules: by order, then by action; of several checks those that refuse come first, as all must approve."""
    rules = [rule for each in authorizations for rule in each.rules if rule.action != "log"]
    return sorted(rules, key=lambda r: (r.order, _PRIORITY.index(r.action), r.check in context.approving))


def _rule_decisions(rule: AuthzRule, denial: Denial, context: RequestContext) -> tuple[_Decision, ...]:
    if rule.action == "check" and context.judged == "connection":
        return (denial, "next")
    if rule.action == "pass" or (rule.action == "check" and rule.check in context.approving):
        return ("next",)
    return ("allow",) if rule.action == "allow" else (denial,)


def _logged(authorizations: Iterable[Authorization], context: RequestContext) -> Iterator[Provenance]:
    for each in authorizations:
        yield from (rule.source for rule in each.rules if rule.action == "log" and rule_matches(rule, context))
