"""The streams that are open, and what proxies refuse."""

import logging
from collections.abc import Callable, Iterable, Iterator

import msgspec
from msgspec import Struct

from weft.serve.ads.observer import StreamObserver
from weft.serve.ads.session import Session
from weft.serve.ads.states import ProxyState
from weft.serve.ads.subscription import Refusal
from weft.serve.callers import RefusedError

_log = logging.getLogger(__name__)


class Nack(Struct, frozen=True):
    """A refusal (NACK) and who refused. `names` were in the response; they are not all bad."""

    node_id: str
    type_url: str
    names: tuple[str, ...]
    message: str


NackObserver = Callable[[Nack], None]


def log_nack(nack: Nack) -> None:
    """Writes a NACK as one line: `xds-nack ` and a JSON object with the fields of `Nack`."""
    _log.error("xds-nack %s", msgspec.json.encode(nack).decode())


class Registry:
    """Open streams by pod. `observers` hear of every NACK; `nacks` counts them by type URL. `watching` hears of what
    streams do."""

    def __init__(self, observers: Iterable[NackObserver] = (log_nack,), watching: StreamObserver | None = None) -> None:
        self.watching = watching
        self.nacks: dict[str, int] = {}
        self._observers = tuple(observers)
        self._streams: dict[str, list[Session]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Session]:
        for sessions in self._streams.values():
            yield from sessions

    def of_pod(self, uid: str) -> tuple[Session, ...]:
        """Returns the open streams of a pod."""
        return tuple(self._streams.get(uid, ()))

    def add(self, session: Session) -> None:
        """Takes an open stream in."""
        self._streams.setdefault(session.pod.uid, []).append(session)
        self._count += 1

    def remove(self, session: Session) -> None:
        """Takes a stream out that has ended."""
        left = self._streams[session.pod.uid]
        left.remove(session)
        if not left:
            del self._streams[session.pod.uid]
        self._count -= 1

    def states(self) -> tuple[ProxyState, ...]:
        """Returns all connected proxies, sorted by node id."""
        found = (session.state() for sessions in self._streams.values() for session in sessions)
        return tuple(sorted(found, key=lambda state: (state.node_id, state.connected)))

    def close_pod(self, uid: str) -> None:
        """Ends the streams of a pod that is gone."""
        for session in self.of_pod(uid):
            session.end(RefusedError("forbidden", "the pod was deleted"))

    def close_all(self) -> None:
        """Ends all streams well: for a server that ends."""
        for sessions in self._streams.values():
            for session in sessions:
                session.end()

    def refused(self, session: Session, refusal: Refusal) -> None:
        """Counts a NACK and tells the observers."""
        self.nacks[refusal.type_url] = self.nacks.get(refusal.type_url, 0) + 1
        nack = Nack(session.node_id, refusal.type_url, refusal.names, refusal.message)
        for observe in self._observers:
            observe(nack)
