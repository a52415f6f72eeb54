"""The demo fails for whatever is not as it should be, and names it."""

import pytest
from msgspec.structs import replace
from tests.unit.apps.demo.shop import answered, observation, page, refused

from weft.apps.demo import expected
from weft.apps.demo.attempts import Attempt, Tried
from weft.apps.demo.calls import Call
from weft.apps.demo.checks import check
from weft.apps.demo.observation import Observation
from weft.apps.demo.pages import Hop, Page

GOOD = observation()


def problems(seen: Observation) -> dict[str, str]:
    return {found.claim: found.problem for found in check(seen) if found.problem}


def without(caller: str, called: str) -> tuple[Call, ...]:
    return tuple(call for call in GOOD.calls if (call.caller, call.called) != (caller, called))


def changed(caller: str, called: str, **changes: object) -> tuple[Call, ...]:
    """All calls, but those of one pod to another with changes."""
    return tuple(
        replace(call, **changes) if (call.caller, call.called) == (caller, called) else call for call in GOOD.calls
    )


def test_a_bookshop_as_it_should_be_passes() -> None:
    assert problems(GOOD) == {}
    assert len({found.claim for found in check(GOOD)}) == len(check(GOOD))


@pytest.mark.parametrize(("caller", "called"), expected.CALLS)
def test_a_call_that_is_not_seen_fails(caller: str, called: str) -> None:
    assert problems(observation(calls=without(caller, called)))[f"{caller} calls {called}"] == "no such call was seen"


def test_a_call_that_is_refused_fails_and_says_by_what() -> None:
    calls = changed("productpage", "details", outcome="not allowed", policies=("allow-nothing",))
    found = problems(observation(calls=calls))
    assert "no rule in allow-nothing" in found["productpage calls details"]
    assert "productpage at details" in found["nobody else is refused"]


@pytest.mark.parametrize("attempt", expected.REFUSED, ids=lambda each: f"{each.caller} {each.called} {each.what}")
class TestRefusals:
    def claim(self, attempt: Attempt) -> str:
        return " ".join(filter(None, (attempt.caller, "is refused at", attempt.called, attempt.what)))

    def tried(self, attempt: Attempt, answer: str) -> tuple[Tried, ...]:
        return tuple(Tried(each, answer if each == attempt else each.answers[0]) for each in expected.REFUSED)

    def test_an_answer_fails(self, attempt: Attempt) -> None:
        found = problems(observation(refused=self.tried(attempt, "200")))
        assert "but got 200" in found[self.claim(attempt)]

    def test_another_reason_fails(self, attempt: Attempt) -> None:
        other = replace(refused(attempt), outcome="denied", policies=("another",))
        calls = tuple(other if call == refused(attempt) else call for call in GOOD.calls)
        assert "DENY in another" in problems(observation(calls=calls))[self.claim(attempt)]

    def test_a_refusal_that_is_in_no_log_fails(self, attempt: Attempt) -> None:
        calls = tuple(call for call in GOOD.calls if call != refused(attempt))
        found = problems(observation(calls=calls))[self.claim(attempt)]
        assert "does not know" in found or "it was answered" in found


def test_a_call_without_a_certificate_fails() -> None:
    found = problems(observation(calls=changed("reviews v2", "ratings", identity="", domain="")))
    assert "reviews v2 at ratings" in found["every call inside of the mesh is over mutual TLS"]


@pytest.mark.parametrize("wrong", [{"identity": "ns/bookshop/sa/ratings"}, {"domain": "other.example"}])
def test_a_certificate_that_is_not_the_callers_own_fails(wrong: dict[str, str]) -> None:
    found = problems(observation(calls=changed("reviews v2", "ratings", **wrong)))
    assert "reviews v2 at ratings as" in found["every caller has the certificate of its own service account"]


def test_a_call_that_nobody_asked_for_fails() -> None:
    found = problems(observation(calls=(*GOOD.calls, answered("reviews v1", "ratings"))))
    assert list(found) == ["nobody else gets an answer"]
    assert "reviews v1 at ratings" in found["nobody else gets an answer"]


def test_a_failed_call_fails() -> None:
    broken = replace(answered("productpage", "details"), status=503, outcome="failed")
    found = problems(observation(calls=(*GOOD.calls, broken)))
    assert "productpage at details with 503" in found["no call fails"]


def test_another_split_fails_for_each_version_that_is_wrong() -> None:
    pages = (page("v1"),) * 390 + (page("v2"),) * 5 + (page("v3"),) * 5
    found = problems(observation(pages=pages))
    assert sorted(found) == ["reviews v1 gets 80%", "reviews v2 gets 15%"]
    assert "390 of 400" in found["reviews v1 gets 80%"]


def test_no_pages_at_all_fail() -> None:
    found = problems(observation(pages=()))
    assert {f"reviews {version} gets {share:.0%}" for version, share in expected.SHARES.items()} <= set(found)


def test_a_tester_with_another_version_fails() -> None:
    pages = (*GOOD.tester_pages, page("v1"))
    assert problems(observation(tester_pages=pages))["tester gets reviews v3 only"] == "1 of 21: v1"


def test_pages_with_something_missing_fail_with_the_most_frequent_reasons() -> None:
    pages = (*GOOD.pages, *(Page(503, "status 503"),) * 3, Page(0, "no answer in time"))
    assert problems(observation(pages=pages))["every page is complete"] == "4 of 424: status 503; no answer in time"


def test_a_service_that_is_not_told_who_calls_fails() -> None:
    pages = (*GOOD.pages, Page(200, hops=(Hop("productpage", "v1", "somebody"), Hop("details", "v1", ""))))
    assert "details" in problems(observation(pages=pages))["every service is told who calls it"]


@pytest.mark.parametrize("change", [{"refused_configurations": 1}, {"unsettled": True}])
def test_a_configuration_that_an_envoy_does_not_take_fails(change: dict[str, object]) -> None:
    assert problems(observation(**change)).keys() == {"every Envoy takes its configuration"}


def test_an_allowed_command_without_an_answer_fails() -> None:
    allowed = (Tried(expected.ALLOWED[0], "503"), *GOOD.allowed[1:])
    assert problems(observation(allowed=allowed))["visitor gets an answer of productpage"] == "it got 503"
