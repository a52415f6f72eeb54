"""Which layer can know a condition's attribute (A6), and what a rule is on bytes that are not HTTP (A9)."""

from typing import Final

from msgspec.structs import replace

from weft.ir.access import AuthzRule
from weft.ir.values import All

_REQUEST_ONLY: Final = ("token.", "request.", "route", "dns.query")


def needs_request(key: str) -> bool:
    """Whether an attribute belongs to a request, so that a stream of bytes never has it.

    `client.address` is no such attribute: it may differ per request, but bytes have it too (the connection's own
    address, or what the PROXY protocol says).
    """
    return key.startswith(_REQUEST_ONLY)


def differs_per_request(key: str) -> bool:
    """Whether an attribute is unknown as long as only the connection is known (A6)."""
    return key == "client.address" or needs_request(key)


def has_request_conditions(rule: AuthzRule) -> bool:
    """Whether any condition of a rule is about a request."""
    return any(needs_request(condition.key) for condition in _conditions(rule))


def on_bytes(rule: AuthzRule) -> AuthzRule | None:
    """The rule as it is judged on bytes that are not HTTP (A9); None where it doesn't match there.

    Without conditions on requests a rule stays as it is. `widen` takes them as true; `skip` never matches; `parse` is
    as `skip`, since only a proxy that serves the port as HTTP could do what it asks.
    """
    if not has_request_conditions(rule):
        return rule
    if rule.unparsed != "widen":
        return None
    return replace(
        rule,
        sources=_widened_each(rule.sources),
        operations=_widened_each(rule.operations),
        conditions=_widened(rule.conditions),
    )


def _conditions(rule: AuthzRule) -> All:
    alternatives = (*(rule.sources or ()), *(rule.operations or ()), rule.conditions)
    return tuple(condition for conjunction in alternatives for condition in conjunction)


def _widened_each(alternatives: tuple[All, ...] | None) -> tuple[All, ...] | None:
    return None if alternatives is None else tuple(_widened(conjunction) for conjunction in alternatives)


def _widened(conjunction: All) -> All:
    return tuple(condition for condition in conjunction if not needs_request(condition.key))
