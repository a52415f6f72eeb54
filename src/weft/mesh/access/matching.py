"""Whether conditions and rules hold: yes, no, or not known as long as only the connection is (A4, A6). Pure."""

from collections.abc import Iterable

from weft.ir.access import AuthzRule
from weft.ir.conditions import differs_per_request, on_bytes
from weft.ir.identities import domain_spellings, identity_spellings
from weft.ir.values import All, Condition, Selector, Text
from weft.mesh.access.context import RequestContext, attribute
from weft.mesh.access.texts import address_holds, port_holds, text_holds
from weft.mesh.matching import selects

Truth = bool | None
"""None: not known yet."""

_ADDRESSES = ("peer.address", "client.address", "local.address")


def rule_matches(rule: AuthzRule, context: RequestContext) -> Truth:
    """Whether a rule matches: any of its sources, any of its operations and all conditions (A4, A9)."""
    judged = on_bytes(rule) if context.judged == "bytes" else rule
    if judged is None:
        return False
    return _all(
        (
            _alternatives_hold(judged.sources, context),
            _alternatives_hold(judged.operations, context),
            _conjunction_holds(judged.conditions, context),
        )
    )


def condition_holds(condition: Condition, context: RequestContext) -> Truth:
    """Whether one condition holds: a value of the attribute is in `any_of`, none is in `none_of`.

    An absent attribute makes `any_of` false and `none_of` true.
    """
    if condition.any_of == ():
        return False
    if context.judged == "connection" and differs_per_request(condition.key):
        return None
    wanted = condition.any_of is None or any(_value_holds(condition.key, value, context) for value in condition.any_of)
    return wanted and not any(_value_holds(condition.key, value, context) for value in condition.none_of)


def _alternatives_hold(alternatives: tuple[All, ...] | None, context: RequestContext) -> Truth:
    return True if alternatives is None else _any(_conjunction_holds(each, context) for each in alternatives)


def _conjunction_holds(conjunction: All, context: RequestContext) -> Truth:
    return _all(condition_holds(each, context) for each in conjunction)


def _value_holds(key: str, value: Text | Selector | str, context: RequestContext) -> bool:
    if isinstance(value, Selector):
        return context.workload is not None and selects(value, *context.workload)
    if isinstance(value, str):
        return _plain_value_holds(key, value, context)
    texts = _spellings(key, value, context)
    return any(text_holds(text, found) for found in attribute(context, key) for text in texts)


def _plain_value_holds(key: str, value: str, context: RequestContext) -> bool:
    if key == "port":
        return port_holds(value, context.port)
    holds = address_holds if key in _ADDRESSES else str.__eq__
    return any(holds(value, found) for found in attribute(context, key))


def _spellings(key: str, text: Text, context: RequestContext) -> tuple[Text, ...]:
    if key == "peer.identity":
        return identity_spellings(text, context.domains)
    return domain_spellings(text, context.domains) if key == "peer.domain" else (text,)


def _all(truths: Iterable[Truth]) -> Truth:
    found = set(truths)
    return False if False in found else None if None in found else True


def _any(truths: Iterable[Truth]) -> Truth:
    found = set(truths)
    return True if True in found else None if None in found else False
