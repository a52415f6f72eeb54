"""`weft redirect show`."""

from collections.abc import Iterator
from ipaddress import ip_address
from typing import Final

import click
import msgspec
from msgspec import Struct

from weft.cli.completing import complete_target
from weft.cli.errors import Misuse
from weft.cli.options import chosen_places, mesh_options, namespace_option
from weft.cli.output import structured
from weft.cli.redirects.pod_rules import FAMILIES, pod_of, rules_of
from weft.cli.table import render
from weft.cli.targets import PodName
from weft.node.live_rules import LiveRules
from weft.redirect.explain import explain, explain_journey, explain_packet, explain_steps
from weft.redirect.observed import Observed, Place
from weft.redirect.packets import FORM, PacketError, parse_packet
from weft.redirect.plan import Chain, Family, Table, TableName
from weft.redirect.simulate import Journey, simulate

_HEADER: Final = ("NUM", "PACKETS", "BYTES", "RULE")


class RuleView(Struct, frozen=True, kw_only=True, rename="camel"):
    """A rule for programs that read on; counters are None where the rule has none."""

    number: int
    explanation: str
    packets: int | None
    bytes: int | None


class ChainView(Struct, frozen=True, kw_only=True, rename="camel"):
    """A chain of rules."""

    family: Family
    table: TableName
    name: str
    hook: str | None
    rules: tuple[RuleView, ...]


class JourneyView(Struct, frozen=True, kw_only=True, rename="camel"):
    """Where a packet would go."""

    packet: str
    result: str
    port: int | None
    certain: bool
    explanation: str
    path: tuple[str, ...]


class View(Struct, frozen=True, kw_only=True, rename="camel"):
    """All that is shown of a pod."""

    pod: str
    back_end: str
    others: tuple[str, ...]
    chains: tuple[ChainView, ...]
    journeys: tuple[JourneyView, ...]


@click.command("show")
@click.option("--packet", "packets", metavar="PACKET", multiple=True, help=f"Say where it would go: {FORM}.")
@click.option("-o", "--output", type=click.Choice(["text", "json", "yaml"]), default="text", help="Form of output.")
@namespace_option
@mesh_options
@click.argument("target", metavar="[NAMESPACE/]POD|deploy/NAME", shell_complete=complete_target)
@click.pass_context
def show(context: click.Context, target: str, namespace: str, packets: tuple[str, ...], output: str) -> None:
    """Explain the rules that are in force in a pod, with what they have counted since they were loaded.

    With --packet, which may be repeated, also where such a packet would go by these rules. The pod's own address may
    be left out: --packet 'in tcp :8080'.
    """
    places = chosen_places(context)
    pod = pod_of(places, target, namespace)
    live = rules_of(places, pod)
    view = _view(pod, live, packets)
    if output == "text":
        click.echo(_text(view))
    else:
        click.echo(structured(msgspec.to_builtins(view), "json" if output == "json" else "yaml"))


def _view(pod: PodName, live: LiveRules, packets: tuple[str, ...]) -> View:
    return View(
        pod=f"{pod.namespace}/{pod.name}",
        back_end=live.back_end,
        others=live.others,
        chains=tuple(
            _chain(observed, table, chain)
            for observed in live.observed.values()
            for table in observed.rules.tables
            for chain in sorted(table.chains, key=lambda chain: chain.hook is None)
        ),
        journeys=tuple(_journey(live, packet) for packet in packets),
    )


def _chain(observed: Observed, table: Table, chain: Chain) -> ChainView:
    rules = []
    for number, rule in enumerate(chain.rules):
        counted = observed.counters.get(Place(table.name, chain.name, number))
        rules.append(
            RuleView(
                number=number + 1,
                explanation=explain(rule),
                packets=counted.packets if counted else None,
                bytes=counted.bytes if counted else None,
            )
        )
    family = observed.rules.family
    return ChainView(family=family, table=table.name, name=chain.name, hook=chain.hook, rules=tuple(rules))


def _journey(live: LiveRules, text: str) -> JourneyView:
    journey, packet = follow(live, text)
    return JourneyView(
        packet=packet,
        result=journey.result,
        port=journey.port,
        certain=journey.certain,
        explanation=explain_journey(journey),
        path=tuple(explain_steps(journey)),
    )


def follow(live: LiveRules, text: str) -> tuple[Journey, str]:
    """The way of a packet through the live rules, and the packet in full. Raises Misuse for what is no packet."""
    try:
        packet = parse_packet(text, [ip_address(address) for address in live.addresses])
    except PacketError as error:
        raise Misuse(f"--packet: {error}") from error
    observed = live.observed.get(packet.family)
    rules = observed.rules if observed else None
    if rules is None:
        return Journey("passes", None, (), packet), explain_packet(packet)
    route = next(iter(live.routes[packet.family]), None)
    return simulate(rules, packet, route), explain_packet(packet)


def _text(view: View) -> str:
    return "\n".join(_lines(view))


def _lines(view: View) -> Iterator[str]:
    yield f"Pod {view.pod}: " + ("nothing is redirected" if view.back_end == "none" else f"rules of {view.back_end}")
    yield from (f"Beside them, {other}" for other in view.others)
    for chain in view.chains:
        where = "" if chain.hook else ", which other chains lead to"
        yield f"\n{FAMILIES[chain.family]}, table {chain.table}, chain {chain.name}{where}"
        rows = [(str(rule.number), _count(rule.packets), _count(rule.bytes), rule.explanation) for rule in chain.rules]
        yield render(_HEADER, rows) if rows else "no rules"
    for journey in view.journeys:
        yield f"\nPacket {journey.packet}"
        yield from (f"  {step}" for step in journey.path)
        yield f"  => {journey.explanation}"


def _count(number: int | None) -> str:
    return "-" if number is None else str(number)
