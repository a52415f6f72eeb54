"""Callers without a sidecar call addresses where names mean nothing to them."""

from msgspec.structs import replace
from tests.unit.apps.demo.shop import PODS, named, observation

from weft.apps.demo import expected
from weft.apps.demo.addressed import at_proxies, past_proxies
from weft.apps.demo.attempts import Tried, visit
from weft.apps.demo.checks import check

UNCAPTURED = tuple(replace(pod, proxy_address=f"127.245{pod.address[6:]}") if pod.has_proxy else pod for pod in PODS)


def test_captured_meshes_are_toured_as_before() -> None:
    assert at_proxies(expected.REFUSED, PODS) == expected.REFUSED
    assert past_proxies(expected.REFUSED, PODS) == ()


def test_only_callers_without_a_sidecar_are_led_to_envoys() -> None:
    pairs = zip(expected.REFUSED, at_proxies(expected.REFUSED, UNCAPTURED), strict=True)
    ((before, after),) = ((before, after) for before, after in pairs if before != after)
    assert (before.caller, before.called) == ("legacy", "productpage")
    assert after.command == visit("http://127.245.0.11:8080/")
    assert after.policies == before.policies


def test_what_can_not_be_prevented_is_tried_and_must_be_so() -> None:
    (attempt,) = past_proxies(expected.REFUSED, UNCAPTURED)
    assert attempt.command == visit(f"http://{named('productpage').address}:8080/")
    seen, refused = (observation(passed_by=(Tried(attempt, answer),)) for answer in ("200", "reset"))
    assert not [found for found in check(seen) if found.problem]
    (wrong,) = (found for found in check(refused) if found.problem)
    assert "past its Envoy" in wrong.claim
