"""Rules about requests are skipped or widened on bytes that are not HTTP (A9)."""

from msgspec.structs import replace

from weft.base.provenance import Provenance
from weft.ir.access import AuthzRule
from weft.ir.conditions import differs_per_request, has_request_conditions, needs_request, on_bytes
from weft.ir.values import Condition

PEER = Condition("peer.namespace", (("exact", "a"),))
METHOD = Condition("request.method", (("exact", "GET"),))
TOKEN = Condition("token.subject", None, (("exact", "a"),))
RULE = AuthzRule(Provenance("Policy", "a", "b"), "deny", unparsed="widen")


def test_the_address_of_a_client_is_known_of_bytes_too() -> None:
    assert not needs_request("client.address")
    assert differs_per_request("client.address")
    assert not differs_per_request("peer.address")
    assert needs_request("request.header:x")


def test_a_rule_about_peers_stays_as_it_is() -> None:
    rule = replace(RULE, sources=((PEER,),), unparsed="skip")
    assert on_bytes(rule) is rule
    assert not has_request_conditions(rule)


def test_widening_takes_conditions_on_requests_as_true() -> None:
    rule = replace(RULE, sources=((PEER, TOKEN),), operations=((METHOD,), (METHOD, PEER)), conditions=(TOKEN,))
    assert on_bytes(rule) == replace(RULE, sources=((PEER,),), operations=((), (PEER,)))


def test_skipping_drops_the_whole_rule() -> None:
    for unparsed in ("skip", "parse"):
        rule = replace(RULE, unparsed=unparsed, operations=((METHOD,), (PEER,)))
        assert on_bytes(rule) is None


def test_what_matches_nothing_is_not_widened_to_match() -> None:
    rule = replace(RULE, sources=(), conditions=(METHOD,))
    assert on_bytes(rule) == replace(RULE, sources=())
