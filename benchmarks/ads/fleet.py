"""All simulated proxies of a process, and the loop that serves them: one thread, no tasks, no timers."""

import select
import ssl
import time
from collections import Counter
from collections.abc import Iterator
from typing import Final

from benchmarks.ads.arrivals import Arrivals
from benchmarks.ads.content import Reader
from benchmarks.ads.http2 import Call, CallEndedError, Header
from benchmarks.ads.job import Job, ProxyJob, Report, Watch
from benchmarks.ads.link import Link, LinkError, buffer
from benchmarks.ads.proxy import Proxy
from benchmarks.ads.wire import WireError

_METHODS: Final = {"delta": "DeltaAggregatedResources", "sotw": "StreamAggregatedResources"}
_PAUSE: Final = 1.0
_SERVICE: Final = "/envoy.service.discovery.v3.AggregatedDiscoveryService/"


class Member:
    """One proxy with its connection, which is None before and between connections."""

    def __init__(self, number: int, job: ProxyJob, proxy: Proxy) -> None:
        self.number = number
        self.token = job.token
        self.proxy = proxy
        self.link: Link | None = None
        self.call = Call(())
        self.began = False
        self.attempts = 0
        self.configured_at: float | None = None


class Fleet:
    """The proxies of a job. They connect when a watch says so."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._context = _context(job)
        self._reader = Reader(job.protocol)
        self._epoll = select.epoll()
        self._members = [
            Member(number, each, Proxy(each.node, job.protocol)) for number, each in enumerate(job.proxies)
        ]
        self._connected: dict[int, Member] = {}
        self._waiting: list[tuple[float, Member]] = []
        self._buffer = buffer()
        self._watches = 0
        self._lost = 0
        self.watch(Watch())

    def watch(self, order: Watch) -> float:
        """Begins to count anew; returns the time. Raises LinkError."""
        self._watches += 1
        self._arrivals = Arrivals(self._watches, order.marks, len(self._members))
        self._received = 0
        self._responses: Counter[str] = Counter()
        self._failures: list[str] = []
        self._cpu = time.process_time()
        started = self._heard = time.monotonic()
        if order.connect:
            self._disconnect()
            for member in self._members:
                self._connect(member)
        return started

    def _connect(self, member: Member) -> None:
        member.attempts += 1
        member.began = False
        member.call = Call(headers(self._job, member.token))
        member.link = Link((self._job.host, self._job.port), self._context, self._job.server_name)
        member.link.connect()
        number = member.link.socket.fileno()
        self._connected[number] = member
        self._epoll.register(number, member.link.events)

    def _disconnect(self) -> None:
        for number, member in self._connected.items():
            self._epoll.unregister(number)
            _close(member)
        self._connected.clear()
        self._waiting.clear()
        for member in self._members:
            member.attempts = 0

    def close(self) -> None:
        """Closes all connections."""
        self._disconnect()
        self._epoll.close()

    def run(self, seconds: float) -> None:
        """Does what there is to be done; if that is nothing, waits for it up to `seconds`."""
        for number, _ in self._epoll.poll(seconds):
            member = self._connected[number]
            try:
                self._serve(member)
            except (LinkError, CallEndedError, WireError) as error:
                self._end(number, f"{error}")
        while self._waiting and self._waiting[0][0] < time.monotonic():
            self._connect(self._waiting.pop(0)[1])

    def _end(self, number: int, reason: str) -> None:
        member = self._connected.pop(number)
        self._epoll.unregister(number)
        _close(member)
        self._failures.append(reason)
        if member.attempts < self._job.attempts:
            self._waiting.append((time.monotonic() + _PAUSE, member))
        else:
            self._lost += 1

    def _serve(self, member: Member) -> None:
        link, call = member.link, member.call
        if link is None:
            return
        before = link.events
        if link.ready():
            if not member.began:
                member.began = True
                for request in member.proxy.begin():
                    call.send(request)
            data = link.read(self._buffer)
            if data:
                self._take(member, data)
            link.write(call.outgoing)
        if link.events != before:
            self._epoll.modify(link.socket.fileno(), link.events)

    def _take(self, member: Member, data: memoryview) -> None:
        now = self._heard = time.monotonic()
        self._received += len(data)
        for message in member.call.receive(data):
            response = self._reader.read(message)
            self._responses[response.type_url] += 1
            self._arrivals.note(member.number, response.content, now)
            for answer in member.proxy.take(response):
                member.call.send(answer)
            if member.proxy.configured:
                member.configured_at = now

    @property
    def settled(self) -> bool:
        """True when every proxy is connected, and has all that it asked for and all marks."""
        together = len(self._connected) == len(self._members)
        return together and self._arrivals.awaited == 0 and all(each.proxy.configured for each in self._members)

    @property
    def failed(self) -> bool:
        """True when a proxy gave up: what is waited for will never come."""
        return self._lost > 0

    @property
    def quiet_since(self) -> float:
        """When something last came."""
        return self._heard

    def report(self) -> Report:
        """Returns what came since the watch began."""
        return Report(
            time=time.monotonic(),
            configured=tuple(each.configured_at if each.proxy.configured else None for each in self._members),
            times=tuple(tuple(times) for times in self._arrivals.times()),
            received=self._received,
            responses=dict(self._responses),
            cpu=time.process_time() - self._cpu,
            failures=tuple(self._failures),
            lost=self._lost,
        )


def _close(member: Member) -> None:
    if member.link is not None:
        member.link.socket.close()
        member.link = None


def headers(job: Job, token: str) -> list[Header]:
    """Returns the headers of the call (gRPC over HTTP2, "Requests")."""
    return list(_headers(job, token))


def _headers(job: Job, token: str) -> Iterator[Header]:
    yield ":method", "POST"
    yield ":scheme", "https" if job.roots else "http"
    yield ":path", f"{_SERVICE}{_METHODS[job.protocol]}"
    yield ":authority", job.server_name or job.host
    yield "te", "trailers"
    yield "content-type", "application/grpc"
    if token:
        yield "authorization", f"Bearer {token}"


def _context(job: Job) -> ssl.SSLContext | None:
    if not job.roots:
        return None
    context = ssl.create_default_context(cadata=job.roots)
    context.set_alpn_protocols(["h2"])
    return context
