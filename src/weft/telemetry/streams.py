"""Counts what streams and pushes do. Costs a few additions for each response."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from prometheus_client import CollectorRegistry

from weft.telemetry import metrics
from weft.telemetry.instruments import Counter, Distribution, Histogram

_OTHER: Final = "other"


class _Type:
    """The instruments of one type of resources."""

    __slots__ = ("push_time", "size")

    def __init__(self, push_time: Distribution, size: Distribution) -> None:
        self.push_time = push_time
        self.size = size


class StreamMetrics:
    """Hears of streams (`serve.ads.observer`). `short_names` has a name for each type of resources that is told apart;
    a client may ask for any others, which count as one. `clock` gives seconds that never go back."""

    def __init__(
        self,
        registry: CollectorRegistry,
        short_names: Mapping[str, str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._names = {url: name.lower() for url, name in short_names.items()}
        self._clock = clock
        self._since: float | None = None
        self._pushes = Counter(metrics.PUSHES)
        self._expired = Counter(metrics.EXPIRED_NONCE)
        push_time, size, send_time = (
            Histogram(each) for each in (metrics.PUSH_TIME, metrics.CONFIG_SIZE, metrics.SEND_TIME)
        )
        queue, convergence, debounce = (
            Histogram(each) for each in (metrics.QUEUE, metrics.CONVERGENCE, metrics.DEBOUNCE)
        )
        for each in (self._pushes, self._expired, push_time, size, send_time, queue, convergence, debounce):
            registry.register(each)
        self._types = {name: _Type(push_time.of(name), size.of(name)) for name in (*self._names.values(), _OTHER)}
        self._send_time = send_time.of()
        self._queue = queue.of()
        self._convergence = convergence.of()
        self._debounce = debounce.of()

    def name(self, type_url: str) -> str:
        """The value of the label `type`."""
        return self._names.get(type_url, _OTHER)

    # as in `serve.ads.observer.StreamObserver`

    def change_time(self) -> float:
        """When what is told now changed; now, if no push is under way."""
        return self._clock() if self._since is None else self._since

    def waited(self, seconds: float) -> None:
        """A stream has its turn after waiting for it."""
        self._queue.observe(seconds)

    def sent(self, type_url: str, size: int, making: float, sending: float) -> None:
        """A response was sent: its bytes, and the seconds that it took."""
        name = self.name(type_url)
        kind = self._types[name]
        self._pushes.add(name)
        kind.size.observe(size)
        kind.push_time.observe(making + sending)
        self._send_time.observe(sending)

    def converged(self, seconds: float) -> None:
        """A proxy was sent all that follows from a change."""
        self._convergence.observe(seconds)

    def expired(self, type_url: str) -> None:
        """An answer came to no response that is waited for."""
        self._expired.add(self.name(type_url))

    # pushes

    def started(self, since: float) -> None:
        """A push of what has changed since then begins."""
        self._debounce.observe(self._clock() - since)

    @contextmanager
    def telling(self, since: float) -> Iterator[None]:
        """Inside, what is told has changed at `since`."""
        self._since = since
        try:
            yield
        finally:
            self._since = None
