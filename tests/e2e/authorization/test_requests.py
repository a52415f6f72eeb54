"""Every answer of a real Envoy to a request equals the judgement of the model."""

from collections.abc import Sequence

import pytest
from tests.e2e.authorization.clients import CLIENTS, REQUESTS
from tests.e2e.authorization.conftest import Cases, Inside
from tests.e2e.authorization.proxy import CASE_HEADER, NUMBER_HEADER, Proxy

from weft.envoy.rbac.names import closed_by, policy_name
from weft.ir.access import Authorization
from weft.mesh.access.context import RequestContext
from weft.mesh.access.evaluation import Verdict, evaluate
from weft.mesh.access.matching import rule_matches

pytestmark = pytest.mark.isolation("userns", here=True)

Judged = tuple[str, str, tuple[Authorization, ...], RequestContext]


@pytest.fixture(scope="session")
def judged(policies: Cases) -> list[Judged]:
    """Every combination of client, case and request, in the order in which they are sent."""
    return [
        (f"{case}: {client.name} {request}", client.name, authorizations, client.context(request))
        for client in CLIENTS
        for case, authorizations in policies.items()
        for request in REQUESTS
    ]


@pytest.fixture(scope="session")
def statuses(proxy: Proxy, policies: Cases, inside: Inside) -> list[int]:
    """Envoy's answers, in the order of `judged`."""
    each = [(case, request) for case in range(len(policies)) for request in REQUESTS]

    def call_all() -> list[int]:
        found: list[int] = []
        for client in CLIENTS:
            numbered = enumerate(each, start=len(found))
            sent = [
                (r.method, r.path, [*r.headers(), (CASE_HEADER, str(case)), (NUMBER_HEADER, str(number))])
                for number, (case, r) in numbered
            ]
            found += proxy.requests(client.connection(proxy), sent)
        return found

    statuses: list[int] = inside(call_all)
    return statuses


def test_envoy_answers_as_the_model_judges(judged: list[Judged], statuses: Sequence[int]) -> None:
    differing = [
        (name, status)
        for (name, _, authorizations, context), status in zip(judged, statuses, strict=True)
        if (status == 200) != (evaluate(authorizations, context).outcome == "allow")
    ]
    assert not differing
    assert set(statuses) == {200, 403}


def test_a_client_is_no_one_without_a_verified_certificate(judged: list[Judged], statuses: Sequence[int]) -> None:
    found = {
        client: status
        for (name, client, _, _), status in zip(judged, statuses, strict=True)
        if name.startswith("any principal:")
    }
    anonymous = {"without certificate", "plaintext", "plaintext from afar"}
    assert {client for client, status in found.items() if status == 403} == anonymous


def test_logs_name_who_decided(proxy: Proxy, judged: list[Judged], statuses: Sequence[int]) -> None:
    entries = {int(entry["number"]): entry for entry in proxy.logged("http.log", len(statuses))}
    for number, (name, _, authorizations, context) in enumerate(judged):
        verdict, entry = evaluate(authorizations, context), entries[number]
        assert entry["details"] in _details(verdict, authorizations, context), name
        assert entry["closed_by"] == (closed_by(authorizations) or None), name
        assert (entry["audited_by"] is not None) == bool(verdict.logged), name


def test_dry_runs_report_and_decide_nothing(proxy: Proxy, judged: list[Judged], statuses: Sequence[int]) -> None:
    entries = {int(entry["number"]): entry for entry in proxy.logged("http.log", len(statuses))}
    seen = set()
    for number, (name, _, authorizations, context) in enumerate(judged):
        if name.startswith("dry"):
            would_deny = bool(evaluate(authorizations, context).would_deny)
            reported = entries[number]["dry_allow" if name.startswith("dry allow") else "dry_deny"]
            assert (statuses[number], reported) == (200, "denied" if would_deny else "allowed"), name
            seen.add(reported)
    assert seen == {"denied", "allowed"}


def _details(verdict: Verdict, authorizations: tuple[Authorization, ...], context: RequestContext) -> set[str]:
    """What may stand in the log: of several rules that deny, Envoy names one."""
    if verdict.outcome == "allow":
        return {"direct_response"}
    rules = [rule for each in authorizations if each.enforced for rule in each.rules if rule.action == "deny"]
    names = [policy_name(rule.source) for rule in rules if rule_matches(rule, context)]
    return {f"rbac_access_denied_matched_policy[{name}]" for name in names or ["none"]}
