"""Every answer of a real Envoy to bytes that are not HTTP equals the judgement of the model."""

import pytest
from tests.e2e.authorization.clients import CLIENTS
from tests.e2e.authorization.conftest import Cases, Inside
from tests.e2e.authorization.proxy import FIRST_BYTES_PORT, Proxy

from weft.envoy.rbac.names import closed_by
from weft.mesh.access.evaluation import evaluate

pytestmark = pytest.mark.isolation("userns", here=True)


@pytest.fixture(scope="session")
def passed(proxy: Proxy, byte_policies: Cases, inside: Inside) -> dict[tuple[str, str], bool]:
    """Whether bytes came back, by case and client."""

    def call_all() -> dict[tuple[str, str], bool]:
        return {
            (case, client.name): proxy.echoes(client.connection(proxy, _place(number)))
            for number, case in enumerate(byte_policies)
            for client in CLIENTS
        }

    found: dict[tuple[str, str], bool] = inside(call_all)
    return found


def test_envoy_passes_bytes_as_the_model_judges(byte_policies: Cases, passed: dict[tuple[str, str], bool]) -> None:
    differing = [
        (case, client.name)
        for number, (case, authorizations) in enumerate(byte_policies.items())
        for client in CLIENTS
        if passed[case, client.name]
        != (evaluate(authorizations, client.context(None, _place(number))).outcome == "allow")
    ]
    assert not differing
    assert set(passed.values()) == {True, False}


def test_rules_about_requests_close_ports_of_bytes(passed: dict[tuple[str, str], bool]) -> None:
    """Rows 7 and 8 of the cases in IR 2.4: an ALLOW of a method is skipped, a DENY of one is widened."""
    assert not any(passed["method", client.name] for client in CLIENTS)
    assert not any(passed["not a method", client.name] for client in CLIENTS)


def test_logs_name_who_decided(proxy: Proxy, byte_policies: Cases, passed: dict[tuple[str, str], bool]) -> None:
    entries = proxy.logged("bytes.log", len(passed))
    for number, (case, authorizations) in enumerate(byte_policies.items()):
        here = [entry for entry in entries if entry["port"] == FIRST_BYTES_PORT + number]
        assert {entry["closed_by"] for entry in here} == {closed_by(authorizations)}, case
    by_case = {case: FIRST_BYTES_PORT + number for number, case in enumerate(byte_policies)}
    denied = {entry["details"] for entry in entries if entry["port"] == by_case["deny all"]}
    assert denied == {"rbac_access_denied_matched_policy[ns[shop]-policy[policy-0]-rule[0]]"}
    audited = {entry["audited_by"] for entry in entries if entry["port"] == by_case["audit decides nothing"]}
    assert audited == {"ns[shop]-policy[policy-0]-rule[0]"}


def _place(number: int) -> tuple[str, int]:
    return ("127.0.0.1", FIRST_BYTES_PORT + number)
