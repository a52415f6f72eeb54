"""Who calls: pods, what a token says of them, and how a call is refused."""

from collections.abc import Callable
from typing import Literal, Protocol

from msgspec import Struct

from weft.identity.profiles import ANONYMOUS, Subject


class Pod(Struct, frozen=True):
    """A pod that exists. `subject` is what its certificate tells of it for metrics."""

    uid: str
    namespace: str
    name: str
    service_account: str
    subject: Subject = ANONYMOUS


PodLookup = Callable[[str], Pod | None]
"""Returns the pod of a uid; None if there is none, or it is being deleted."""


class Caller(Struct, frozen=True):
    """An authenticated pod. Its token is good until `expires`, in Unix seconds."""

    pod: Pod
    expires: float


class RefusedError(Exception):
    """A call that is not served. `reason` says what kind of refusal it is, the message why, without any secret.

    `unauthenticated`: the token is none, or not good. `forbidden`: it is good, but not for this. `overloaded`: too many
    calls. `unavailable`: try again later. `invalid`: the request is not as the protocol has it.
    """

    Reason = Literal["unauthenticated", "forbidden", "overloaded", "unavailable", "invalid"]

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason: RefusedError.Reason = reason


class TokenReviewer(Protocol):
    """Says whose token it is: the verifier of Weft's own tokens, or Kubernetes' TokenReview."""

    async def review(self, token: str) -> Caller:
        """Returns the live pod that the token is bound to; RefusedError where it is not good, or not for Weft."""
