"""The judgement at a point: gates, tiers and orders (A2, A3), unknown requests (A6), dry runs and logs (A10)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.unit.mesh.access.policies import A, B, call, peer, policy, rule, stream

from weft.ir.access import Authorization
from weft.ir.values import Condition
from weft.mesh.access.context import HttpRequest, RequestContext
from weft.mesh.access.evaluation import evaluate

GET = Condition("request.method", (("exact", "GET"),))
NOT_GET = Condition("request.method", None, (("exact", "GET"),))


def connection(identity: str | None) -> RequestContext:
    return call(identity, judged="connection", request=None)


def test_without_policies_everything_is_allowed() -> None:
    assert evaluate([], call(None)).outcome == "allow"


def test_every_gate_must_allow_and_all_that_deny_are_named_in_order() -> None:
    """Rows 38 and 39 in their form: gates never see each other."""
    network = policy(rule("allow", peer(B)), gate="network", tier=200, name="network")
    request = policy(rule("allow", peer(A)), name="request")
    port = policy(gate="port", tier=0, name="port")
    assert [d.gate for d in evaluate([port, request, network], call(A)).denials] == ["network", "port"]
    assert [d.gate for d in evaluate([port, request, network], call(B)).denials] == ["request", "port"]
    assert [d.gate for d in evaluate([port, request, network], call(None)).denials] == ["network", "request", "port"]


def test_all_objects_that_close_a_tier_are_named() -> None:
    closing = [policy(rule("allow", peer(A)), name="one"), policy(name="two"), policy(name="three", closes=False)]
    (denial,) = evaluate(closing, call(B)).denials
    assert [each.name for each in denial.closed_by] == ["one", "two"]
    assert denial.rule is None


@pytest.mark.parametrize(
    ("actions", "outcome"),
    [
        (("deny", "check", "pass", "allow"), "deny"),
        (("check", "pass", "allow"), "deny"),
        (("pass", "allow"), "allow"),
        (("allow",), "allow"),
        (("pass",), "allow"),
    ],
)
def test_at_one_order_the_stricter_action_decides(actions: tuple[str, ...], outcome: str) -> None:
    rules = [rule(action, check="x" if action == "check" else None) for action in actions]
    assert evaluate([policy(*rules)], call(A)).outcome == outcome


def test_a_lower_order_decides_before_a_stricter_action() -> None:
    both = policy(rule("deny", order=5), rule("allow", peer(A), order=4))
    assert evaluate([both], call(A)).outcome == "allow"
    assert evaluate([both], call(B)).outcome == "deny"


def test_pass_leads_to_the_next_tier_and_allow_ends_the_gate() -> None:
    """Rows 34 and 35 in their form."""
    admin = policy(rule("pass", peer(A)), rule("allow", peer(B)), tier=100, closes=False)
    baseline = policy(rule("deny"), tier=250, closes=False, name="baseline")
    (denial,) = evaluate([baseline, admin], call(A)).denials
    assert (denial.tier, evaluate([baseline, admin], call(B)).outcome) == (250, "allow")


def test_all_checks_must_approve() -> None:
    checks = policy(rule("check", check="one"), rule("check", check="two"), tier=0, closes=False)
    outcomes = {
        approving: evaluate([checks], call(A, approving=approving)).outcome for approving in (("one",), ("two",))
    }
    assert set(outcomes.values()) == {"deny"}
    assert evaluate([checks], call(A, approving=("one", "two"))).outcome == "allow"


def test_a_rule_that_only_logs_decides_nothing() -> None:
    audit = policy(rule("log", GET, name="audit"), tier=1, closes=False)
    verdict = evaluate([audit, policy()], call(A))
    assert (verdict.outcome, [each.name for each in verdict.logged]) == ("deny", ["audit"])
    assert evaluate([audit], call(A, "POST")).logged == ()


def test_a_connection_is_judged_as_far_as_it_is_known() -> None:
    """Rows 27 and 28 in their form: an L7 deny never drops a connection, an L4 allow widens an L7 one."""
    assert evaluate([policy(rule("allow", peer(A), GET))], connection(A)).outcome == "per_request"
    assert evaluate([policy(rule("allow", peer(A), GET))], connection(B)).outcome == "deny"
    assert evaluate([policy(rule("allow", peer(A), GET), rule("allow", peer(A)))], connection(A)).outcome == "allow"
    assert evaluate([policy(rule("deny", GET), tier=1, closes=False)], connection(A)).outcome == "per_request"
    assert evaluate([policy(rule("check", check="x"), tier=0, closes=False)], connection(A)).outcome == "per_request"


def test_a_denial_tells_whether_the_connection_alone_decided() -> None:
    allow = [policy(rule("allow", peer(A), GET))]
    assert [d.layer for d in evaluate(allow, call(B)).denials] == ["L4"]
    assert [d.layer for d in evaluate(allow, call(A, "POST")).denials] == ["L7"]
    assert [d.layer for d in evaluate(allow, stream(A)).denials] == ["L4"]
    assert [d.layer for d in evaluate(allow, connection(B)).denials] == ["L4"]


def test_a_denial_names_its_point() -> None:
    (denial,) = evaluate([policy()], call(A, point="t.n")).denials
    assert denial.point == "t.n"


CONDITIONS = st.sampled_from([peer(A), peer(B), GET, NOT_GET, Condition("peer.identity", None, (("exact", A),))])
RULES = st.builds(
    lambda action, conditions, order, unparsed: rule(action, *conditions, order=order, unparsed=unparsed, check="x"),
    st.sampled_from(["allow", "deny", "pass", "check", "log"]),
    st.lists(CONDITIONS, max_size=2),
    st.integers(0, 1),
    st.sampled_from(["skip", "widen"]),
)
POLICIES = st.builds(
    lambda rules, gate, tier, closes, enforced, name: policy(
        *rules, gate=gate, tier=tier, closes=closes, enforced=enforced, name=name
    ),
    st.lists(RULES, max_size=3),
    st.sampled_from(["network", "request", "port"]),
    st.integers(0, 2),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["one", "two"]),
)
SETS = st.lists(POLICIES, max_size=4)
IDENTITIES = st.sampled_from([A, B, None])
METHODS = st.sampled_from(["GET", "POST"])


@given(SETS, IDENTITIES)
def test_what_a_connection_is_told_holds_for_every_request_on_it(
    found: list[Authorization], identity: str | None
) -> None:
    known = evaluate(found, connection(identity)).outcome
    for method in ("GET", "POST"):
        for approving in ((), ("x",)):
            outcome = evaluate(found, call(identity, method, approving=approving)).outcome
            assert known in (outcome, "per_request")


@given(SETS, IDENTITIES, METHODS)
def test_gates_never_see_each_other(found: list[Authorization], identity: str | None, method: str) -> None:
    context = call(identity, method)
    apart = {
        gate: evaluate([each for each in found if each.gate == gate], context).denials
        for gate in ("network", "request", "port")
    }
    assert evaluate(found, context).denials == apart["network"] + apart["request"] + apart["port"]


@given(SETS, IDENTITIES, METHODS)
def test_dry_runs_change_no_verdict(found: list[Authorization], identity: str | None, method: str) -> None:
    context = call(identity, method)
    enforced = [each for each in found if each.enforced]
    assert evaluate(found, context).denials == evaluate(enforced, context).denials
    tried = [replace(each, enforced=True) for each in found if not each.enforced]
    assert evaluate(found, context).would_deny == evaluate(tried, context).denials


@given(SETS, POLICIES, IDENTITIES, METHODS)
def test_one_more_allow_rule_in_a_closed_tier_never_denies(
    found: list[Authorization], wider: Authorization, identity: str | None, method: str
) -> None:
    """Istio's tier of ALLOW: rules of all policies unite."""
    allows = [
        replace(each, tier=2, gate="request", closes=True, rules=tuple(r for r in each.rules if r.action == "allow"))
        for each in (*found, wider)
    ]
    context = call(identity, method)
    closed = any(each.enforced for each in allows[:-1])
    if closed and evaluate(allows[:-1], context).outcome == "allow":
        assert evaluate(allows, context).outcome == "allow"


@given(SETS, IDENTITIES)
def test_a_context_of_another_request_is_another_judgement_only_by_conditions(
    found: list[Authorization], identity: str | None
) -> None:
    """Whatever no condition asks for has no influence."""
    context = call(identity, "GET")
    other = replace(
        context, request=HttpRequest(host="other", path="/x", headers=(("a", "b"),)), port=1, address="1.1.1.1"
    )
    assert evaluate(found, context) == evaluate(found, other)
