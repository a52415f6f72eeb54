"""The cases of IR 2.4 that Istio's API raises, one test for each row; policies are compiled from their text."""

from typing import Any

from tests.unit.dialects.istio_security import policies as dialect
from tests.unit.mesh.access.policies import SERVER, A, B, W, call, policy, rule, stream

from weft.ir.access import Authorization
from weft.ir.values import Condition
from weft.mesh.access.authorization import authorizations_for, rules_about_requests
from weft.mesh.access.evaluation import Denial, Verdict, evaluate

FROM_A = [{"source": {"principals": ["cluster.local/ns/n/sa/a"]}}]
GET = [{"operation": {"methods": ["GET"]}}]
PRINCIPAL_A = "spiffe://td.example/ns/n/sa/a"


def in_force(*specs: dict[str, Any], dry_run: str = "") -> tuple[Authorization, ...]:
    fragments = [
        fragment
        for number, spec in enumerate(specs)
        for fragment in dialect.policy(spec, namespace="n", name=f"p{number}", dry_run=dry_run).fragments
    ]
    return authorizations_for((each for each in fragments if isinstance(each, Authorization)), SERVER)


def local(identity: str | None) -> str | None:
    """An identity of the local trust domain, whatever the domain's name is."""
    return identity.replace("cluster.local", "td.example") if identity else None


def names(verdict: Verdict) -> list[tuple[int, str | None, tuple[str, ...]]]:
    """Tier, rule and closing policies of every denial."""
    return [(d.tier, _place(d), tuple(each.name for each in d.closed_by)) for d in verdict.denials]


def _place(denial: Denial) -> str | None:
    return f"{denial.rule.name} {denial.rule.path}" if denial.rule else None


def test_row_1_allow_without_rules_denies_all() -> None:
    verdict = evaluate(in_force({"rules": []}), call(local(A)))
    assert verdict.outcome == "deny"
    assert names(verdict) == [(2, None, ("p0",))]


def test_row_2_an_empty_rule_allows_all_plaintext_too() -> None:
    for identity in (local(A), None):
        assert evaluate(in_force({"rules": [{}]}), call(identity)).outcome == "allow"


def test_row_3_deny_without_rules_has_no_effect() -> None:
    assert evaluate(in_force({"action": "DENY", "rules": []}), call(local(A))).outcome == "allow"


def test_row_4_deny_comes_before_allow() -> None:
    both = in_force({"action": "DENY", "rules": [{"to": GET}]}, {"rules": [{"from": FROM_A}]})
    assert names(evaluate(both, call(local(A), "GET"))) == [(1, "p0 spec.rules[0]", ())]
    assert evaluate(both, call(local(A), "POST")).outcome == "allow"
    assert names(evaluate(both, call(local(B), "POST"))) == [(2, None, ("p1",))]


def test_row_5_a_check_that_refuses_denies_and_closes_nothing() -> None:
    admin = Condition("request.path", (("exact", "/admin"),))
    custom = policy(rule("check", admin, check="provider"), tier=0, closes=False)
    assert names(evaluate([custom], call(A, path="/admin"))) == [(0, "policy ", ())]
    assert evaluate([custom], call(A, path="/x")).outcome == "allow"


def test_row_6_approval_is_not_an_allow() -> None:
    custom = policy(rule("check", check="provider"), tier=0, closes=False)
    deny = policy(rule("deny", name="deny"), tier=1, closes=False, name="deny")
    approved = call(A, approving=("provider",))
    assert names(evaluate([custom, deny], approved)) == [(1, "deny ", ())]
    assert evaluate([custom], approved).outcome == "allow"


def test_row_7_an_allow_of_requests_is_skipped_on_bytes() -> None:
    allow = in_force({"rules": [{"to": GET}]})
    assert names(evaluate(allow, stream(local(A)))) == [(2, None, ("p0",))]
    assert [each.unparsed for each in rules_about_requests(allow)] == ["skip"]


def test_row_8_a_deny_of_requests_is_widened_on_bytes() -> None:
    deny = in_force({"action": "DENY", "rules": [{"to": GET}]})
    assert names(evaluate(deny, stream(local(A)))) == [(1, "p0 spec.rules[0]", ())]
    assert [each.unparsed for each in rules_about_requests(deny)] == ["widen"]


def test_row_9_a_deny_by_claim_alone_denies_all_bytes() -> None:
    claim = [{"key": "request.auth.claims[group]", "values": ["x"]}]
    deny = in_force({"action": "DENY", "rules": [{"when": claim}]})
    assert evaluate(deny, stream(local(A))).outcome == "deny"
    assert evaluate(deny, call(local(A))).outcome == "allow"


def test_row_10_an_absent_principal_is_not_a() -> None:
    deny = in_force(
        {"action": "DENY", "rules": [{"from": [{"source": {"notPrincipals": ["cluster.local/ns/n/sa/a"]}}]}]}
    )
    assert evaluate(deny, call(None)).outcome == "deny"
    assert evaluate(deny, call(local(A))).outcome == "allow"


def test_row_11_a_dry_run_is_reported_and_denies_nothing() -> None:
    dry = in_force({"rules": [{"from": FROM_A}]}, dry_run="true")
    verdict = evaluate(dry, call(local(B)))
    assert (verdict.outcome, verdict.denials) == ("allow", ())
    assert [each.closed_by[0].name for each in verdict.would_deny] == ["p0"]
    assert evaluate(dry, call(local(A))).would_deny == ()


def test_row_12_behind_a_front_proxy_the_peer_is_the_proxy() -> None:
    allow_a = in_force({"rules": [{"from": FROM_A}]})
    assert evaluate(allow_a, call(local(W))).outcome == "deny"
    front = [{"source": {"principals": ["cluster.local/ns/n/sa/waypoint"]}}]
    allow_both = in_force({"rules": [{"from": FROM_A}, {"from": front}]})
    assert evaluate(allow_both, call(local(W))).outcome == "allow"
