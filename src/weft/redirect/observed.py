"""Rules as they were read back from the kernel, with what they have counted."""

from collections.abc import Mapping

from msgspec import Struct

from weft.redirect.plan import Ruleset, TableName


class Counters(Struct, frozen=True):
    """What matched a rule since it was loaded."""

    packets: int
    bytes: int


class Place(Struct, frozen=True):
    """Where a rule stands; `number` is its index in the chain, from 0."""

    table: TableName
    chain: str
    number: int


class Observed(Struct, frozen=True):
    """Rules of one family, and the counters of those that have any."""

    rules: Ruleset
    counters: Mapping[Place, Counters]
