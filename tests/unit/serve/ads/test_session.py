"""A session serves a channel: it writes one response at a time and ends when it must."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from tests.unit.serve.ads.client import WHOLE, Response, bad, encode_request, item, request

from weft.envoy.type_urls import CDS, EDS, SDS
from weft.model.proxy_node import NodeId, parse_node_id
from weft.serve.ads.observer import Unobserved
from weft.serve.ads.registry import Nack, Registry, log_nack
from weft.serve.ads.session import Means, Proxy, Session
from weft.serve.ads.subscription import Refusal
from weft.serve.ads.views import ResourceTable, View
from weft.serve.callers import Caller, Pod, RefusedError
from weft.serve.http2.call import Receiver

POD = Pod("uid", "shop", "web", "web")
FAR = 4e9


class Pipe:
    """A channel in memory. While it is `full` a client does not read."""

    def __init__(self) -> None:
        self.responses: asyncio.Queue[Response] = asyncio.Queue()
        self.full = False
        self._receiver: Receiver | None = None

    @property
    def room(self) -> bool:
        return not self.full

    def accept(self, receiver: Receiver) -> None:
        self._receiver = receiver

    def send(self, pieces: tuple[bytes, ...]) -> None:
        assert not self.full, "there was no room for it"
        self.responses.put_nowait(Response(b"".join(pieces)))

    def read_again(self) -> None:
        self.full = False
        self.receiver.drained()

    @property
    def receiver(self) -> Receiver:
        assert self._receiver is not None
        return self._receiver

    async def next(self) -> Response:
        return await asyncio.wait_for(self.responses.get(), 2)

    def request(self, type_url: str, **fields: Any) -> None:
        self.receiver.received(encode_request(type_url, **fields))

    def close(self) -> None:
        self.receiver.ended()


class Watching(Unobserved):
    """Notes what a stream tells of itself."""

    def __init__(self) -> None:
        self.responses: list[str] = []
        self.times: list[float] = []
        self.late: list[str] = []
        self.since = 0.0

    def change_time(self) -> float:
        return self.since

    def sent(self, type_url: str, size: int, making: float, sending: float) -> None:
        assert size > 0
        assert making >= 0
        assert sending >= 0
        self.responses.append(type_url)

    def converged(self, seconds: float) -> None:
        self.times.append(seconds)

    def expired(self, type_url: str) -> None:
        self.late.append(type_url)


class Setting:
    """A session on a pipe, running."""

    def __init__(self, *, lifetime: float = 60.0, expires: float = FAR, observer: Unobserved | None = None) -> None:
        self.own, self.table = ResourceTable(), ResourceTable(WHOLE)
        self.own_view, self.view = View("own", self.own), View("shared", self.table)
        self.pipe = Pipe()
        self.nacks: list[Refusal] = []
        proxy = Proxy(Caller(POD, expires), "sidecar~1.2.3.4~web.shop~x", "1.2.3.4")
        self.session = Session(proxy, self.own_view, self.view, lifetime, Means.new(observer=observer))

    def run(self, type_url: str = CDS, *names: str) -> "asyncio.Task[None]":
        self.session.begin(self.pipe, request(type_url, *names), self.nacks.append)
        return asyncio.create_task(self.session.run())

    def change(self, *resources: Any) -> None:
        self.view.publish(self.table.update(resources))


async def ends(task: "asyncio.Task[None]") -> None:
    await asyncio.wait_for(task, 2)


async def test_changes_of_both_views_reach_the_client() -> None:
    setting = Setting()
    task = setting.run()
    assert not (await setting.pipe.next()).versions
    setting.pipe.request(CDS, response_nonce="1")
    setting.change(item(CDS, "a"))
    assert set((await setting.pipe.next()).versions) == {"a"}
    setting.pipe.request(SDS, resource_names_subscribe=["default"])
    assert (await setting.pipe.next()).removed == ["default"]
    setting.pipe.request(SDS, response_nonce="3")
    setting.own_view.publish(setting.own.update([item(SDS, "default")]))
    assert set((await setting.pipe.next()).versions) == {"default"}
    setting.pipe.close()
    await ends(task)
    assert not setting.view.watched
    assert not setting.own_view.watched


async def test_while_a_client_does_not_read_changes_merge() -> None:
    setting = Setting()
    task = setting.run(EDS, "a")
    await setting.pipe.next()
    setting.pipe.full = True
    setting.pipe.request(EDS, response_nonce="1")
    for content in range(100):
        setting.change(item(EDS, "a", f"c{content}"))
        await asyncio.sleep(0)
    setting.pipe.read_again()
    assert (await setting.pipe.next()).versions == {"a": item(EDS, "a", "c99").version}
    setting.pipe.close()
    await ends(task)
    assert setting.pipe.responses.empty()


@pytest.mark.parametrize("deleted", [True, False])
async def test_a_client_that_never_reads_is_ended_in_time_all_the_same(deleted: bool) -> None:
    setting = Setting(lifetime=60.0 if deleted else 0.05)
    setting.pipe.full = True
    task = setting.run()
    await asyncio.sleep(0.01)
    if deleted:
        setting.session.end(RefusedError("forbidden", "the pod was deleted"))
        with pytest.raises(RefusedError, match="deleted"):
            await ends(task)
    else:
        await ends(task)
    assert setting.pipe.responses.empty()


async def test_a_stream_ends_well_after_its_lifetime() -> None:
    await ends(Setting(lifetime=0.05).run())


async def test_a_stream_ends_when_its_token_expires() -> None:
    setting = Setting(expires=time.time() + 0.05)
    with pytest.raises(RefusedError, match="expired") as refused:
        await ends(setting.run())
    assert refused.value.reason == "unauthenticated"


@pytest.mark.parametrize("message", [b"\xff\xff", encode_request("x" * 1000)])
async def test_a_bad_request_ends_the_stream(message: bytes) -> None:
    setting = Setting()
    task = setting.run()
    await setting.pipe.next()
    setting.pipe.receiver.received(message)
    with pytest.raises(RefusedError) as refused:
        await ends(task)
    assert refused.value.reason == "invalid"


async def test_a_refusal_is_told() -> None:
    setting = Setting()
    setting.change(bad(CDS, "a"))
    task = setting.run()
    await setting.pipe.next()
    setting.pipe.request(CDS, response_nonce="1", error_detail={"code": 3, "message": "no"})
    setting.pipe.close()
    await ends(task)
    assert [(nack.names, nack.message) for nack in setting.nacks] == [(("a",), "no")]


async def test_a_session_moves_to_another_view() -> None:
    setting, other = Setting(), ResourceTable(WHOLE)
    other.update([item(CDS, "other")])
    task, view = setting.run(), View("other", other)
    await setting.pipe.next()
    setting.pipe.request(CDS, response_nonce="1")
    setting.session.move(view)
    assert set((await setting.pipe.next()).versions) == {"other"}
    assert setting.session.state().view == "other"
    assert not setting.view.watched
    setting.session.end()
    await ends(task)
    assert not view.watched


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(1_000):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("it did not come to this")


async def test_the_registry_tells_how_far_a_proxy_has_got() -> None:
    setting, registry = Setting(), Registry(())
    registry.add(setting.session)
    setting.change(item(CDS, "a"), bad(EDS, "b"))

    def status(type_url: str) -> str | None:
        return next((t.status for t in registry.states()[0].types if t.type_url == type_url), None)

    task = setting.run()
    await until(lambda: status(CDS) == "STALE")
    await setting.pipe.next()
    setting.pipe.request(CDS, response_nonce="1")
    await until(lambda: status(CDS) == "SYNCED")
    setting.pipe.request(EDS, resource_names_subscribe=["b"])
    await setting.pipe.next()
    setting.pipe.request(EDS, response_nonce="2", error_detail={"code": 3, "message": "bad port"})
    await until(lambda: status(EDS) == "ERROR")
    state = registry.states()[0]
    assert (state.namespace, state.pod, state.view, state.address) == ("shop", "web", "shared", "1.2.3.4")
    endpoints = state.types[1]
    assert (endpoints.refused, endpoints.refusal, endpoints.subscribed) == (("b",), "bad port", 1)
    assert state.types[0].nonce_accepted == state.types[0].nonce_sent == "1"
    assert msgspec.json.decode(msgspec.json.encode(state), type=type(state)) == state
    registry.close_pod("other")
    registry.close_pod("uid")
    with pytest.raises(RefusedError, match="deleted") as refused:
        await ends(task)
    assert refused.value.reason == "forbidden"
    registry.remove(setting.session)
    assert len(registry) == 0
    assert registry.states() == ()


async def test_what_was_never_sent_is_said_to_be_so() -> None:
    setting, registry = Setting(), Registry(())
    registry.add(setting.session)
    setting.session._stream.receive(request(CDS), 0.0)
    assert registry.states()[0].types[0].status == "NOT SENT"


async def test_every_refusal_is_counted_and_one_line_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[Nack] = []
    registry = Registry([seen.append, log_nack])
    with caplog.at_level(logging.ERROR):
        registry.refused(Setting().session, Refusal(CDS, "1", ("a", "b"), "line one\nline two", 0.0))
    assert registry.nacks == {CDS: 1}
    (line,) = caplog.messages
    assert "\n" not in line
    assert msgspec.json.decode(line.removeprefix("xds-nack "), type=Nack) == seen[0]


def test_a_pod_s_name_may_hold_dots() -> None:
    assert parse_node_id("sidecar~10.0.0.1~a.b-0.ns~ns.svc") == NodeId("sidecar", "10.0.0.1", "a.b-0", "ns", "ns.svc")


@pytest.mark.parametrize("text", ["", "sidecar~1~web~x", "proxy~1~web.ns~x", "sidecar~1~.ns~x", "sidecar~1~a.b~c~d"])
def test_other_node_ids_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not <role>"):
        parse_node_id(text)


async def test_a_change_counts_as_told_when_all_of_it_was_sent() -> None:
    watching = Watching()
    setting = Setting(observer=watching)
    task = setting.run()
    await setting.pipe.next()
    setting.pipe.request(CDS, response_nonce="1")
    assert watching.times == [], "what a client gets when it comes is no change"
    setting.pipe.full = True
    watching.since = time.monotonic() - 5
    setting.change(item(CDS, "a"))
    watching.since = time.monotonic()
    setting.change(item(CDS, "b"))
    await asyncio.sleep(0.01)
    assert setting.session.stalled
    assert watching.times == []
    setting.pipe.read_again()
    await setting.pipe.next()
    assert [int(each) for each in watching.times] == [5], "once, from the first change on"
    assert watching.responses == [CDS, CDS]
    setting.pipe.close()
    await ends(task)
    assert not setting.session.stalled


async def test_an_answer_to_nothing_is_told() -> None:
    watching = Watching()
    setting = Setting(observer=watching)
    task = setting.run()
    await setting.pipe.next()
    setting.pipe.request(CDS, response_nonce="1")
    setting.pipe.request(CDS, resource_names_subscribe=["a"])
    assert watching.late == []
    setting.pipe.request(CDS, response_nonce="1")
    assert watching.late == [CDS]
    setting.pipe.close()
    await ends(task)
