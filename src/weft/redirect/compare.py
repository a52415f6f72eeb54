"""How the rules that are in force differ from those that should be."""

from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Literal

from msgspec import Struct

from weft.redirect.plan import Chain, Rule, Ruleset, Table, TableName

Fault = Literal["missing", "foreign", "out of order", "policy"]


class Difference(Struct, frozen=True):
    """A rule that is not where it should be; without `rule` the whole chain is meant. `number` counts from 0: in the
    chain as it should be for a missing rule, else in the chain as it is."""

    fault: Fault
    table: TableName
    chain: str
    number: int | None = None
    rule: Rule | None = None


def compare(wanted: Ruleset, live: Ruleset) -> list[Difference]:
    """All differences; none means that the same packets go the same way, by the same rules."""
    names = dict.fromkeys(table.name for ruleset in (wanted, live) for table in ruleset.tables)
    return [found for name in names for found in _tables(wanted.table(name), live.table(name))]


def _tables(wanted: Table, live: Table) -> Iterator[Difference]:
    for name in dict.fromkeys(chain.name for table in (wanted, live) for chain in table.chains):
        yield from _chains(wanted.name, wanted.chain(name), live.chain(name), name)


def _chains(table: TableName, wanted: Chain | None, live: Chain | None, name: str) -> Iterator[Difference]:
    if (live is None) != (wanted is None) and (live or wanted) == Chain(name):
        yield Difference("missing" if live is None else "foreign", table, name)
        return
    if live and live.drops != (wanted is not None and wanted.drops):
        yield Difference("policy", table, name)
    yield from _rules(table, name, wanted.rules if wanted else (), live.rules if live else ())


def _rules(table: TableName, chain: str, wanted: tuple[Rule, ...], live: tuple[Rule, ...]) -> Iterator[Difference]:
    """What has to be added, taken away or moved to make the one of the other. A rule that is on both sides, but not
    among those that stand in the same order, is out of order."""
    blocks = SequenceMatcher[Rule](None, wanted, live, autojunk=False).get_matching_blocks()
    stays = {(block.a + i, block.b + i) for block in blocks for i in range(block.size)}
    lacking = [i for i in range(len(wanted)) if i not in {a for a, _ in stays}]
    for number, rule in enumerate(live):
        if number in {b for _, b in stays}:
            continue
        place = next((i for i in lacking if wanted[i] == rule), None)
        if place is not None:
            lacking.remove(place)
        yield Difference("foreign" if place is None else "out of order", table, chain, number, rule)
    yield from (Difference("missing", table, chain, number, wanted[number]) for number in lacking)
