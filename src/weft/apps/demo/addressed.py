"""What callers without a sidecar do where nothing is redirected and names mean nothing to them (isolation loopback):
they call addresses. At that of a pod's Envoy they meet its policies, at the application's own nobody asks anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from urllib.parse import urlsplit, urlunsplit

from msgspec import structs

from weft.apps.demo.attempts import Attempt, visit
from weft.apps.demo.pods import Pod, with_label

ANSWERED = ("200",)


def at_proxies(attempts: Iterable[Attempt], pods: Sequence[Pod]) -> tuple[Attempt, ...]:
    """The attempts, those of callers without a sidecar led to the addresses of the called pods' Envoys."""
    return tuple(_led(attempt, pods, lambda pod: pod.proxy_address) or attempt for attempt in attempts)


def past_proxies(attempts: Iterable[Attempt], pods: Sequence[Pod]) -> tuple[Attempt, ...]:
    """The attempts of callers without a sidecar once more, at the applications' own addresses."""
    led = (_led(attempt, pods, lambda pod: pod.address) for attempt in attempts)
    return tuple(structs.replace(each, answers=ANSWERED, outcome="answered", policies=()) for each in led if each)


def _led(attempt: Attempt, pods: Sequence[Pod], address: Callable[[Pod], str]) -> Attempt | None:
    """The attempt at an address; None where there is nothing to change."""
    caller, called = with_label(pods, attempt.caller), with_label(pods, attempt.called)
    if caller is None or caller.has_proxy or called is None or not called.proxy_address or not attempt.command:
        return None
    return structs.replace(attempt, command=visit(*_moved(attempt.command, address(called))))


def _moved(command: Sequence[str], address: str) -> Iterator[str]:
    for word in command:
        parts = urlsplit(word)
        if parts.scheme == "http":
            yield urlunsplit(parts._replace(netloc=f"{address}:{parts.port or 80}"))
