"""Bad tokens cost little, and what is remembered of them is bounded."""

import pytest

from weft.serve.callers import Caller, Pod, RefusedError
from weft.serve.tokens.bounded import Buckets, ExpiringCache
from weft.serve.tokens.guard import GuardSettings, ReviewGuard

POD = Pod("uid", "shop", "web", "web")


class Reviewer:
    """Knows the token `good`; says of others what it is told to."""

    def __init__(self, refusal: str = "unauthenticated") -> None:
        self.asked: list[str] = []
        self.refusal = refusal
        self.now = 0.0

    async def review(self, token: str) -> Caller:
        self.asked.append(token)
        if token == "good":
            return Caller(POD, 1_000.0)
        raise RefusedError(self.refusal, "no")  # type: ignore[arg-type]


def guarded(reviewer: Reviewer, **changes: float) -> ReviewGuard:
    settings = GuardSettings(**{"burst": 3, "failures": 0.1, **changes})  # type: ignore[arg-type]
    return ReviewGuard(reviewer, settings, lambda: reviewer.now)


async def reason(guard: ReviewGuard, token: str | None, address: str = "1.1.1.1") -> str:
    try:
        await guard.review(token, address)
    except RefusedError as refusal:
        return refusal.reason
    return "accepted"


async def test_a_good_token_is_reviewed_again_only_after_a_while() -> None:
    reviewer = Reviewer()
    guard = guarded(reviewer, accepted_for=60.0)
    for now, asked in ((0, 1), (59, 1), (60, 2)):
        reviewer.now = now
        assert await reason(guard, "good") == "accepted"
        assert len(reviewer.asked) == asked


async def test_a_token_is_not_accepted_beyond_its_end() -> None:
    reviewer = Reviewer()
    guard = guarded(reviewer, accepted_for=10_000.0)
    await guard.review("good", "1.1.1.1")
    reviewer.now = 1_000.0
    await guard.review("good", "1.1.1.1")
    assert len(reviewer.asked) == 2


async def test_a_bad_token_is_remembered() -> None:
    reviewer = Reviewer()
    guard = guarded(reviewer)
    assert [await reason(guard, "bad") for _ in range(2)] == ["unauthenticated"] * 2
    assert reviewer.asked == ["bad"]


@pytest.mark.parametrize("kind", ["forbidden", "unavailable"])
async def test_what_may_pass_is_not_remembered(kind: str) -> None:
    reviewer = Reviewer(kind)
    guard = guarded(reviewer)
    assert [await reason(guard, "early") for _ in range(2)] == [kind] * 2
    assert len(reviewer.asked) == 2


async def test_an_address_that_fails_too_often_is_not_listened_to() -> None:
    reviewer = Reviewer()
    guard = guarded(reviewer)
    await guard.review("good", "1.1.1.1")
    assert [await reason(guard, f"bad{n}") for n in range(3)] == ["unauthenticated"] * 3
    assert await reason(guard, "bad3") == "overloaded"
    assert len(reviewer.asked) == 4
    assert await reason(guard, "good") == "accepted", "a token that was accepted lately passes"
    assert await reason(guard, "bad3", "2.2.2.2") == "unauthenticated", "others are heard"
    reviewer.now = 10.0
    assert await reason(guard, "bad4") == "unauthenticated", "one more after ten seconds"
    assert await reason(guard, "bad5") == "overloaded"


async def test_an_outage_of_the_reviewer_is_nobody_s_fault() -> None:
    reviewer = Reviewer("unavailable")
    guard = guarded(reviewer)
    assert [await reason(guard, "any") for _ in range(10)] == ["unavailable"] * 10


@pytest.mark.parametrize("token", [None, "", "x" * 9_000])
async def test_no_token_and_huge_tokens_are_never_reviewed(token: str | None) -> None:
    reviewer = Reviewer()
    assert await reason(guarded(reviewer), token) == "unauthenticated"
    assert not reviewer.asked


def test_a_cache_forgets_what_was_not_used_for_longest() -> None:
    cache: ExpiringCache[str, int] = ExpiringCache(2, lambda: 0.0)
    for key in ("a", "b"):
        cache.put(key, 1, 10.0)
    assert cache.get("a") == 1
    cache.put("c", 1, 10.0)
    assert [key for key in ("a", "b", "c") if cache.get(key)] == ["a", "c"]


def test_buckets_of_many_keys_are_bounded() -> None:
    buckets: Buckets[int] = Buckets(1.0, 1.0, 10, lambda: 0.0)
    for key in range(1_000):
        buckets.take(key)
    assert len(buckets._levels) == 10
    assert buckets.empty(999)
    assert not buckets.empty(0)
