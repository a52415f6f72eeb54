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
_SERVICE: Final = "/envoy.service.discovery.v3.AggregatedDiscoveryService/"


class Member:
    """One proxy with its connection."""

    def __init__(self, number: int, job: Job, proxy: ProxyJob, context: ssl.SSLContext | None) -> None:
        self.number = number
        self.link = Link((job.host, job.port), context, job.server_name)
        self.call = Call(headers(job, proxy.token))
        self.proxy = Proxy(proxy.node, job.protocol)
        self.began = False
        self.configured_at: float | None = None


class Fleet:
    """The proxies of a job. They connect when a watch says so."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._context = _context(job)
        self._reader = Reader(job.protocol)
        self._epoll = select.epoll()
        self._members: dict[int, Member] = {}
        self._buffer = buffer()
        self._watches = 0
        self._failures: list[str] = []
        self.watch(Watch())

    def watch(self, order: Watch) -> float:
        """Begins to count anew; returns the time. Raises LinkError."""
        self._watches += 1
        self._arrivals = Arrivals(self._watches, order.marks, len(self._job.proxies))
        self._received = 0
        self._responses: Counter[str] = Counter()
        self._cpu = time.process_time()
        started = self._heard = time.monotonic()
        if order.connect:
            for number, proxy in enumerate(self._job.proxies):
                self._connect(Member(number, self._job, proxy, self._context))
        return started

    def _connect(self, member: Member) -> None:
        member.link.connect()
        number = member.link.socket.fileno()
        self._members[number] = member
        self._epoll.register(number, member.link.events)

    def close(self) -> None:
        """Closes all connections."""
        for member in self._members.values():
            member.link.socket.close()
        self._epoll.close()

    def run(self, seconds: float) -> None:
        """Does what there is to be done, for as long as nothing comes within `seconds`, and at most once."""
        for number, _ in self._epoll.poll(seconds):
            member = self._members[number]
            try:
                self._serve(member)
            except (LinkError, CallEndedError, WireError) as error:
                self._end(number, f"{error}")

    def _end(self, number: int, reason: str) -> None:
        member = self._members.pop(number)
        self._epoll.unregister(number)
        member.link.socket.close()
        self._failures.append(reason)

    def _serve(self, member: Member) -> None:
        link, call, before = member.link, member.call, member.link.events
        if link.ready():
            if not member.began:
                member.began = True
                call.send(member.proxy.begin())
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
        """True when every proxy that is connected has all that it asked for, and all marks."""
        return self._arrivals.awaited == 0 and all(each.proxy.configured for each in self._members.values())

    @property
    def failed(self) -> bool:
        """True when a stream ended: what is waited for may never come."""
        return bool(self._failures)

    @property
    def quiet_since(self) -> float:
        """When something last came."""
        return self._heard

    def report(self) -> Report:
        """Returns what came since the watch began."""
        at = {member.number: member.configured_at for member in self._members.values()}
        return Report(
            time=time.monotonic(),
            configured=tuple(at.get(number) for number in range(len(self._job.proxies))),
            times=tuple(tuple(times) for times in self._arrivals.times()),
            received=self._received,
            responses=dict(self._responses),
            cpu=time.process_time() - self._cpu,
            failures=tuple(self._failures),
        )


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
