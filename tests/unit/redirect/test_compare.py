"""weft.redirect: what is missing, foreign or out of order is found, and nothing else."""

from hypothesis import given, settings
from tests.unit.redirect.orders import orders

from weft.model.local import RedirectOrder
from weft.redirect.compare import Difference, compare
from weft.redirect.plan import Chain, Drop, ProtocolIs, Return, Rule, Ruleset, Table, base_chain, rule
from weft.redirect.sidecar import sidecar_plan

WANTED = sidecar_plan(RedirectOrder()).ruleset("ip")
FOREIGN = rule(Drop(), ProtocolIs("udp"))


def changed(name: str, change: "dict[str, tuple[Rule, ...]] | None") -> Ruleset:
    """The wanted rules with those of one chain replaced; None takes the chain away."""
    (table,) = WANTED.tables
    chains = [
        Chain(chain.name, change[name], chain.hook) if chain.name == name and change else chain
        for chain in table.chains
        if chain.name != name or change
    ]
    return Ruleset("ip", (Table("nat", tuple(chains)),))


def rules_of(name: str) -> tuple[Rule, ...]:
    chain = WANTED.table("nat").chain(name)
    assert chain
    return chain.rules


@given(orders())
@settings(deadline=None)
def test_rules_do_not_differ_from_themselves(order: RedirectOrder) -> None:
    for rules in sidecar_plan(order).rulesets:
        assert compare(rules, rules) == []


def test_a_missing_rule_is_found() -> None:
    rules = rules_of("ISTIO_OUTPUT")
    live = changed("ISTIO_OUTPUT", {"ISTIO_OUTPUT": rules[:3] + rules[4:]})
    assert compare(WANTED, live) == [Difference("missing", "nat", "ISTIO_OUTPUT", 3, rules[3])]


def test_a_foreign_rule_is_found() -> None:
    rules = rules_of("ISTIO_OUTPUT")
    live = changed("ISTIO_OUTPUT", {"ISTIO_OUTPUT": (rules[0], FOREIGN, *rules[1:])})
    assert compare(WANTED, live) == [Difference("foreign", "nat", "ISTIO_OUTPUT", 1, FOREIGN)]


def test_a_rule_that_is_there_twice_is_foreign_once() -> None:
    rules = rules_of("ISTIO_INBOUND")
    live = changed("ISTIO_INBOUND", {"ISTIO_INBOUND": (*rules, rules[-1])})
    assert [found.fault for found in compare(WANTED, live)] == ["foreign"]


def test_rules_in_another_order_are_found_and_not_said_to_be_missing() -> None:
    rules = rules_of("ISTIO_INBOUND")
    live = changed("ISTIO_INBOUND", {"ISTIO_INBOUND": (rules[-1], *rules[:-1])})
    assert compare(WANTED, live) == [Difference("out of order", "nat", "ISTIO_INBOUND", 0, rules[-1])]


def test_a_chain_that_is_gone_is_missing_rule_by_rule() -> None:
    found = compare(WANTED, changed("ISTIO_IN_REDIRECT", None))
    assert [(f.fault, f.chain, f.number) for f in found] == [("missing", "ISTIO_IN_REDIRECT", 0)]


def test_foreign_tables_and_policies_are_found() -> None:
    live = Ruleset("ip", (*WANTED.tables, Table("filter", (base_chain("input", drops=True),))))
    assert compare(WANTED, live) == [Difference("policy", "filter", "INPUT")]
    live = Ruleset("ip", (*WANTED.tables, Table("raw", (Chain("EMPTY"), base_chain("output", rule(Return()))))))
    assert [(f.fault, f.chain) for f in compare(WANTED, live)] == [("foreign", "EMPTY"), ("foreign", "OUTPUT")]


def test_no_rules_at_all_are_all_missing() -> None:
    found = compare(WANTED, Ruleset("ip"))
    assert {f.fault for f in found} == {"missing"}
    assert len(found) == sum(len(chain.rules) for chain in WANTED.table("nat").chains)
