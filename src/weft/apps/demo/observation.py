"""What was seen of the running bookshop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from weft.apps.demo.attempts import Attempt, Tried
from weft.apps.demo.calls import Call, Outcome
from weft.apps.demo.mesh import InForce
from weft.apps.demo.pages import Page


def reason(outcome: Outcome, policies: Iterable[str]) -> str:
    """Why a call was refused, in words; `policies` are the names of those that did it."""
    named = ", ".join(policies)
    match outcome:
        case "denied":
            return f"DENY in {named}"
        case "not allowed":
            return f"no rule in {named or 'any policy'}"
        case "plain text":
            return f"STRICT mutual TLS in {named or 'no policy'}"
        case "no route":
            return "no route at the gateway"
    return f"it was {outcome}"


class Refusal(Struct, frozen=True):
    """An attempt that should be refused: what its caller got, the call as the proxy logged it (None if it did not), and
    the policies that refused it."""

    attempt: Attempt
    answer: str
    call: Call | None
    policies: tuple[str, ...]

    @property
    def is_expected(self) -> bool:
        """Whether it was refused as it should be, and because of what it should be."""
        attempt, call = self.attempt, self.call
        if call is None or self.answer not in attempt.answers:
            return False
        return (call.outcome, set(self.policies)) == (attempt.outcome, set(attempt.policies))


class Observation(Struct, frozen=True, kw_only=True):
    """Everything that was seen.

    `passed_by` are attempts at applications' own addresses, past their Envoys, where nothing can prevent that.
    `pages` are the answers to anybody, `tester_pages` those to the user `tester`. `in_force` are policies by the label
    of the pod that they hold at. `refused_configurations` counts what Envoys did not take, `unsettled` is whether some
    have not got everything.
    """

    pages: tuple[Page, ...]
    tester_pages: tuple[Page, ...]
    allowed: tuple[Tried, ...]
    refused: tuple[Tried, ...]
    calls: tuple[Call, ...]
    in_force: Mapping[str, InForce]
    passed_by: tuple[Tried, ...] = ()
    refused_configurations: int = 0
    unsettled: bool = False

    def refusals(self) -> tuple[Refusal, ...]:
        """What became of everything that should be refused."""
        return tuple(self._refusal(tried) for tried in self.refused)

    def _refusal(self, tried: Tried) -> Refusal:
        found = [call for call in self.calls if is_of(call, tried.attempt)]
        call = next((call for call in found if call.outcome != "answered"), found[0] if found else None)
        return Refusal(tried.attempt, tried.answer, call, self._policies(call))

    def _policies(self, call: Call | None) -> tuple[str, ...]:
        if call is None:
            return ()
        in_force = self.in_force.get(call.called, InForce())
        if call.outcome == "plain text":
            return (in_force.strict,) if in_force.strict else ()
        if call.outcome == "not allowed" and call.protocol == "TCP":
            return in_force.authorizations
        return call.policies


def is_of(call: Call, attempt: Attempt) -> bool:
    """Whether a call may be the one that was attempted."""
    if (call.caller, call.called) != (attempt.caller, attempt.called):
        return False
    return attempt.request is None or (call.method, call.path) == (attempt.request.method, attempt.request.path)
