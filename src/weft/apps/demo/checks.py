"""Whether what was seen is what must be seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final

from msgspec import Struct

from weft.apps.demo import expected
from weft.apps.demo.calls import OUTSIDE, Call
from weft.apps.demo.observation import Observation, Refusal, is_of, reason
from weft.apps.demo.split import bounds

_SHOWN: Final = 3


class Check(Struct, frozen=True):
    """Something that must hold, and why it does not: nothing if it does."""

    claim: str
    problem: str = ""


def check(seen: Observation) -> tuple[Check, ...]:
    """All checks of an observation."""
    parts: tuple[Callable[[Observation], Iterator[Check]], ...] = (
        _configuration,
        _pages,
        _calls,
        _identities,
        _split,
        _refusals,
        _passed_by,
        _nothing_else,
    )
    return tuple(found for part in parts for found in part(seen))


def _configuration(seen: Observation) -> Iterator[Check]:
    refused = f"{seen.refused_configurations} refused" if seen.refused_configurations else ""
    unsettled = "not everything was sent and taken" if seen.unsettled else ""
    yield Check("every Envoy takes its configuration", refused or unsettled)


def _pages(seen: Observation) -> Iterator[Check]:
    pages = (*seen.pages, *seen.tester_pages)
    yield Check("every page is complete", _some(len(pages), [page.problem for page in pages if page.problem]))
    nobody = [hop.service for page in pages for hop in page.hops if not hop.caller]
    yield Check("every service is told who calls it", f"{', '.join(sorted(set(nobody)))} was not" if nobody else "")


def _calls(seen: Observation) -> Iterator[Check]:
    for caller, called in expected.CALLS:
        found = [call for call in seen.calls if (call.caller, call.called) == (caller, called)]
        answered = any(call.outcome == "answered" for call in found)
        yield Check(f"{caller} calls {called}", "" if answered else _instead(found))
    for tried in seen.allowed:
        attempt = tried.attempt
        wrong = "" if tried.answer in attempt.answers else f"it got {tried.answer}"
        yield Check(f"{attempt.caller} gets an answer of {attempt.called}", wrong)


def _instead(found: list[Call]) -> str:
    if not found:
        return "no such call was seen"
    reasons = Counter(reason(call.outcome, call.policies) for call in found)
    return f"it gets no answer: {reasons.most_common(1)[0][0]}"


def _identities(seen: Observation) -> Iterator[Check]:
    inside = [call for call in seen.calls if call.outcome == "answered" and call.caller != OUTSIDE]
    bare = [_names(call) for call in inside if not call.identity]
    yield Check("every call inside of the mesh is over mutual TLS", _some(len(inside), bare))
    held = [call for call in seen.calls if call.identity]
    wrong = [f"{_names(call)} as {call.domain}/{call.identity}" for call in held if not _is_own(call)]
    yield Check("every caller has the certificate of its own service account", _some(len(held), wrong))


def _is_own(call: Call) -> bool:
    return (call.domain, call.identity) == (expected.TRUST_DOMAIN, call.account)


def _split(seen: Observation) -> Iterator[Check]:
    versions = Counter(page.version for page in seen.pages if page.version)
    total = versions.total()
    for version, share in expected.SHARES.items():
        low, high = bounds(total, share)
        saw = f"it was {versions[version]} of {total}, and chance gives {low} to {high}"
        yield Check(f"reviews {version} gets {share:.0%}", "" if low <= versions[version] <= high and total else saw)
    others = [page.version or "none" for page in seen.tester_pages if page.version != expected.TESTERS_VERSION]
    yield Check(f"tester gets reviews {expected.TESTERS_VERSION} only", _some(len(seen.tester_pages), others))


def _refusals(seen: Observation) -> Iterator[Check]:
    for refusal in seen.refusals():
        attempt = refusal.attempt
        name = " ".join(filter(None, (attempt.called, attempt.what)))
        yield Check(f"{attempt.caller} is refused at {name}", _not_refused(refusal))


def _not_refused(refusal: Refusal) -> str:
    attempt, call = refusal.attempt, refusal.call
    if refusal.is_expected:
        return ""
    wanted = f"it should get {attempt.answers[0]} ({reason(attempt.outcome, attempt.policies)})"
    if call is None:
        return f"{wanted}, but got {refusal.answer}, and the log of {attempt.called} does not know why"
    return f"{wanted}, but got {refusal.answer} ({reason(call.outcome, refusal.policies)})"


def _passed_by(seen: Observation) -> Iterator[Check]:
    """What is said of it must be true as well: whoever relies on a refusal here must know that there is none."""
    for tried in seen.passed_by:
        attempt = tried.attempt
        wrong = "" if tried.answer in attempt.answers else f"it got {tried.answer}"
        yield Check(f"nothing keeps {attempt.caller} from {attempt.called}'s own address, past its Envoy", wrong)


def _nothing_else(seen: Observation) -> Iterator[Check]:
    failed = [f"{_names(call)} with {call.status}" for call in seen.calls if call.outcome == "failed"]
    yield Check("no call fails", _some(len(seen.calls), failed))
    answered = [call for call in seen.calls if call.outcome == "answered"]
    strange = [_names(call) for call in answered if (call.caller, call.called) not in expected.CALLS]
    yield Check("nobody else gets an answer", _some(len(answered), strange))
    refused = [call for call in seen.calls if call.outcome not in ("answered", "failed")]
    wrong = [_names(call) for call in refused if not any(is_of(call, attempt) for attempt in expected.REFUSED)]
    yield Check("nobody else is refused", _some(len(refused), wrong))


def _names(call: Call) -> str:
    return f"{call.caller} at {call.called}"


def _some(count: int, wrong: list[str]) -> str:
    """`3 of 400: ...` with the most frequent things that are wrong."""
    if not wrong:
        return ""
    shown = Counter(wrong).most_common(_SHOWN)
    return f"{len(wrong)} of {count}: {'; '.join(text for text, _ in shown)}"
