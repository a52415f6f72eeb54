"""`weft redirect check`."""

import grp
import pwd
from collections.abc import Callable, Iterator
from typing import Final

import click
import msgspec
from msgspec import Struct
from msgspec.structs import replace

from weft.cli.completing import complete_target
from weft.cli.errors import FAILED
from weft.cli.options import chosen_places, mesh_options, namespace_option
from weft.cli.output import structured
from weft.cli.redirects.pod_rules import FAMILIES, pod_of, rules_of
from weft.cli.table import render
from weft.node.live_rules import LiveRules
from weft.redirect.compare import Difference, compare
from weft.redirect.explain import explain
from weft.redirect.plan import Chain, Family, GroupIs, Match, Owner, Plan, Rule, Ruleset, UserIs
from weft.redirect.sidecar import sidecar_plan

_HEADER: Final = ("FAULT", "FAMILY", "TABLE", "CHAIN", "NUM", "RULE")


class Fault(Struct, frozen=True, kw_only=True, rename="camel"):
    """Something that is not as it should be; what is no rule has only a fault and an explanation."""

    fault: str
    explanation: str
    family: Family | None = None
    table: str | None = None
    chain: str | None = None
    number: int | None = None


class Report(Struct, frozen=True, kw_only=True, rename="camel"):
    """What was found in a pod."""

    pod: str
    back_end: str
    faults: tuple[Fault, ...]


@click.command("check")
@click.option("-o", "--output", type=click.Choice(["text", "json", "yaml"]), default="text", help="Form of output.")
@namespace_option
@mesh_options
@click.argument("target", metavar="[NAMESPACE/]POD|deploy/NAME", shell_complete=complete_target)
@click.pass_context
def check(context: click.Context, target: str, namespace: str, output: str) -> int:
    """Compare the rules that are in force in a pod with those that it should have.

    Says what is missing, foreign or out of order, and ends with exit code 1 if anything is.
    """
    places = chosen_places(context)
    pod = pod_of(places, target, namespace)
    live = rules_of(places, pod)
    report = Report(pod=f"{pod.namespace}/{pod.name}", back_end=live.back_end, faults=tuple(_faults(live)))
    if output == "text":
        click.echo(_text(report))
    else:
        click.echo(structured(msgspec.to_builtins(report), "json" if output == "json" else "yaml"))
    return FAILED if report.faults else 0


def _faults(live: LiveRules) -> Iterator[Fault]:
    plan = sidecar_plan(live.order) if live.order else Plan()
    for family in FAMILIES:
        wanted = _numbered(plan.ruleset(family))
        observed = live.observed.get(family)
        for found in compare(wanted, observed.rules if observed else Ruleset(family)):
            yield _fault(found, family)
    yield from (Fault(fault="foreign", explanation=other) for other in live.others)
    for address in plan.loopback_addresses:
        if address not in live.loopback_addresses:
            yield Fault(fault="missing", explanation=f"address {address} of the loopback interface")
    for ruleset in plan.rulesets:
        if plan.route and plan.route not in live.routes[ruleset.family]:
            explanation = f"routing of packets marked {plan.route.mark:#x}"
            yield Fault(fault="missing", family=ruleset.family, explanation=explanation)


def _fault(found: Difference, family: Family) -> Fault:
    whole = "the whole chain" if found.fault != "policy" else "what becomes of packets at the end of the chain"
    return Fault(
        fault=found.fault,
        family=family,
        table=found.table,
        chain=found.chain,
        number=None if found.number is None else found.number + 1,
        explanation=explain(found.rule) if found.rule else whole,
    )


def _numbered(rules: Ruleset) -> Ruleset:
    """The rules with numbers in the place of names, as they are read back."""
    return replace(rules, tables=tuple(replace(t, chains=tuple(map(_chain, t.chains))) for t in rules.tables))


def _chain(chain: Chain) -> Chain:
    return replace(chain, rules=tuple(Rule(tuple(map(_match, rule.matches)), rule.verdict) for rule in chain.rules))


def _match(match: Match) -> Match:
    if isinstance(match, UserIs):
        return replace(match, user=_number(match.user, lambda name: pwd.getpwnam(name).pw_uid))
    if isinstance(match, GroupIs):
        return replace(match, group=_number(match.group, lambda name: grp.getgrnam(name).gr_gid))
    return match


def _number(owner: Owner, find: Callable[[str], int]) -> Owner:
    try:
        return find(owner) if isinstance(owner, str) else owner
    except KeyError:
        return owner


def _text(report: Report) -> str:
    if not report.faults:
        rules = "nothing is redirected" if report.back_end == "none" else f"rules of {report.back_end}"
        return f"Pod {report.pod}: as it should be ({rules})"
    rows = [
        (
            fault.fault,
            FAMILIES[fault.family] if fault.family else "",
            fault.table or "",
            fault.chain or "",
            "" if fault.number is None else str(fault.number),
            fault.explanation,
        )
        for fault in report.faults
    ]
    return render(_HEADER, rows)
