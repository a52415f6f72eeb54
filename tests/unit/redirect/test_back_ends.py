"""weft.redirect: what a back end writes is read back as the same plan, whatever the plan."""

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.redirect.orders import orders

from weft.model.local import RedirectOrder
from weft.redirect import iptables, iptables_parse, nft, nft_parse
from weft.redirect.plan import (
    Accept,
    ArrivesBy,
    ConnectionMarkIs,
    Drop,
    GroupIs,
    HandTo,
    JumpTo,
    LeavesBy,
    MarkIs,
    Match,
    PortIn,
    ProtocolIs,
    RedirectTo,
    RestoreMark,
    Return,
    SaveMark,
    SetMark,
    SetZone,
    SourcePortIs,
    StateIn,
    UserIs,
    Verdict,
    rule,
)
from weft.redirect.sidecar import sidecar_plan

_PORT = st.integers(1, 65_535)
_PROTOCOL = st.sampled_from(["tcp", "udp"])
_MARK = st.integers(0, 2**32 - 1)
_PORTS = st.lists(_PORT, min_size=1, max_size=5, unique=True).map(lambda ports: tuple(sorted(ports)))
_INTERFACE = st.sampled_from(["lo", "eth0", "net+"])
_STATES = st.lists(st.sampled_from(["INVALID", "NEW", "ESTABLISHED", "RELATED", "UNTRACKED"]), min_size=1, unique=True)

# At most one of each kind, as tools do not keep more apart; protocol and ports are one kind.
_KINDS: tuple[st.SearchStrategy[Match], ...] = (
    st.builds(ArrivesBy, _INTERFACE, st.booleans()),
    st.builds(LeavesBy, _INTERFACE, st.booleans()),
    st.builds(ProtocolIs, _PROTOCOL)
    | st.builds(PortIn, _PROTOCOL, _PORTS, st.booleans())
    | st.builds(SourcePortIs, _PROTOCOL, _PORT),
    st.builds(StateIn, _STATES.map(lambda states: tuple(sorted(states)))),
    st.builds(MarkIs, _MARK, st.booleans()),
    st.builds(ConnectionMarkIs, _MARK),
    st.builds(UserIs, st.integers(0, 2**32 - 2), st.booleans()),
    st.builds(GroupIs, st.integers(0, 2**32 - 2), st.booleans()),
)
_MATCHES = st.lists(st.sampled_from(_KINDS), unique=True).flatmap(lambda kinds: st.tuples(*kinds))
_SIMPLE: tuple[Verdict, ...] = (Return(), Accept(), Drop(), SaveMark(), RestoreMark(), JumpTo("ISTIO_X"))
_VERDICTS: st.SearchStrategy[Verdict] = st.one_of(
    st.sampled_from(_SIMPLE),
    st.builds(RedirectTo, _PORT),
    st.builds(HandTo, _PORT, _MARK),
    st.builds(SetMark, _MARK),
    st.builds(SetZone, st.integers(0, 65_535)),
)


@given(orders())
@settings(deadline=None)
def test_a_whole_plan_survives_both_back_ends(order: RedirectOrder) -> None:
    for rules in sidecar_plan(order).rulesets:
        assert iptables_parse.parse(iptables.render(rules), rules.family).rules == rules
        assert nft_parse.parse(nft.render([rules]), rules.family).rules == rules


@given(_MATCHES, _VERDICTS)
def test_any_rule_survives_both_back_ends(matches: tuple[Match, ...], verdict: Verdict) -> None:
    made = rule(verdict, *matches)
    assert iptables_parse.parse_rule(iptables.rule_text(made)) == made
    assert nft_parse.parse_rule(nft.rule_text(made, "ip")) == made


def test_both_families_are_in_one_nft_text_and_each_is_read_alone() -> None:
    plan = sidecar_plan(RedirectOrder(ipv6=True))
    text = nft.render(plan.rulesets)
    assert [nft_parse.parse(text, rules.family).rules for rules in plan.rulesets] == list(plan.rulesets)


def test_our_nft_tables_are_replaced_and_those_without_rules_removed() -> None:
    lines = nft.render(sidecar_plan(RedirectOrder()).rulesets).splitlines()
    assert [line for line in lines if line.startswith("delete")] == [
        "delete table ip weft_raw",
        "delete table ip weft_mangle",
        "delete table ip weft_nat",
        "delete table ip weft_filter",
    ]
    assert [line for line in lines if line.startswith("table") and not line.endswith("}")] == ["table ip weft_nat {"]
