"""Stands before a token reviewer: remembers answers, and bounds what bad tokens can cost.

Tokens are remembered by their hash only.
"""

import asyncio
import time
from collections.abc import Callable
from hashlib import sha256
from typing import Final

from msgspec import Struct

from weft.serve.callers import Caller, RefusedError, TokenReviewer
from weft.serve.tokens.bounded import Buckets, ExpiringCache

_MAX_TOKEN: Final = 8_192


class GuardSettings(Struct, frozen=True):
    """Times in seconds, rates per second and address. An accepted token is reviewed again after `accepted_for`."""

    accepted_for: float = 60.0
    refused_for: float = 60.0
    remembered: int = 20_000
    failures: float = 1.0
    burst: float = 20.0
    addresses: int = 20_000
    concurrent: int = 32


DEFAULT_SETTINGS: Final = GuardSettings()


class ReviewGuard:
    """Reviews tokens through `reviewer`. `clock` is Unix time.

    Failures of an address are limited; a token that was accepted lately passes even from an address that failed.
    `refusals` counts tokens that were not good.
    """

    def __init__(
        self,
        reviewer: TokenReviewer,
        settings: GuardSettings = DEFAULT_SETTINGS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._reviewer = reviewer
        self._settings = settings
        self._clock = clock
        self._accepted: ExpiringCache[bytes, Caller] = ExpiringCache(settings.remembered, clock)
        self._refused: ExpiringCache[bytes, str] = ExpiringCache(settings.remembered, clock)
        self._failures: Buckets[str] = Buckets(settings.failures, settings.burst, settings.addresses, clock)
        self.refusals = 0
        self._turns = asyncio.Semaphore(settings.concurrent)

    async def review(self, token: str | None, address: str) -> Caller:
        """Returns whose token it is; RefusedError where it is none, not good, or where the address fails too often."""
        if not token or len(token) > _MAX_TOKEN:
            raise self._failed(address, RefusedError("unauthenticated", "no token, or one that is too long"))
        digest = sha256(token.encode()).digest()
        caller = self._accepted.get(digest)
        if caller is not None:
            return caller
        if self._failures.empty(address):
            raise RefusedError("overloaded", "too many bad tokens from this address")
        remembered = self._refused.get(digest)
        if remembered is not None:
            raise self._failed(address, RefusedError("unauthenticated", remembered))
        return await self._ask(token, digest, address)

    async def _ask(self, token: str, digest: bytes, address: str) -> Caller:
        try:
            async with self._turns:
                caller = await self._reviewer.review(token)
        except RefusedError as refusal:
            if refusal.reason == "unauthenticated":  # the others may pass: a pod that is not known yet, an outage
                self._refused.put(digest, str(refusal), self._clock() + self._settings.refused_for)
            raise self._failed(address, refusal) from None
        until = min(caller.expires, self._clock() + self._settings.accepted_for)
        self._accepted.put(digest, caller, until)
        return caller

    def _failed(self, address: str, refusal: RefusedError) -> RefusedError:
        if refusal.reason != "unavailable":
            self.refusals += 1
            self._failures.take(address)
        return refusal
