"""Who may: servers, authentication, authorization."""

from typing import Literal

from msgspec import Struct

from weft.base.durations import Milliseconds
from weft.base.provenance import Provenance
from weft.ir.routing import Rank
from weft.ir.traffic import TrafficSettings
from weft.ir.values import All, Protocol, Target, Tls

MutualMode = Literal["require", "accept", "off"]


class InboundServer(Struct, frozen=True):
    """One port of a workload as a server; where none is declared, it is made from the ports of services.

    `port` None means every other port. `declared` is False where it comes from a default.
    """

    source: Provenance
    target: Target
    port: int | str | None
    protocol: Protocol
    declared: bool
    rank: Rank = ()
    detect: Milliseconds | None = None
    forward_to: str | None = None
    tls: Tls | None = None
    pool: TrafficSettings | None = None


class Authentication(Struct, frozen=True):
    """Whether peers must prove who they are. `mutual` None inherits from the wider target (I5)."""

    source: Provenance
    target: Target
    port: int | None = None
    mutual: MutualMode | None = None


class AuthzRule(Struct, frozen=True):
    """(any of sources) and (any of operations) and all conditions (A4).

    `unparsed` says what a rule with L7 conditions does on bytes that are not HTTP (A9). `report` on an allow or log
    rule names it in logs.
    """

    source: Provenance
    action: Literal["allow", "deny", "pass", "check", "log"]
    order: int = 0
    sources: tuple[All, ...] | None = None
    operations: tuple[All, ...] | None = None
    conditions: All = ()
    unparsed: Literal["skip", "widen", "parse"] = "skip"
    check: str | None = None
    report: str = ""


class Authorization(Struct, frozen=True, cache_hash=True):
    """One policy object on one target: a gate, a tier in it, and rules (A1 to A4).

    `closes` turns on default deny of its tier; `enforced` False is a dry run (A10).
    """

    source: Provenance
    gate: Literal["network", "request", "port"]
    tier: int
    direction: Literal["in", "out"]
    target: Target
    rules: tuple[AuthzRule, ...]
    closes: bool
    enforced: bool = True
