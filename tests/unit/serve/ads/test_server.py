"""Who is let in, and what is said to those who are not. Calls are made without a network."""

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest
from tests.unit.serve.ads.client import WHOLE, Response, encode_request, item
from tests.unit.serve.ads.state_client import Response as StateResponse
from tests.unit.serve.ads.test_state_stream import thing
from tests.unit.serve.http2.carrier import Carrier

from weft.base import protobuf
from weft.envoy.type_urls import CDS, EDS
from weft.serve.ads import server
from weft.serve.ads.messages import Node
from weft.serve.ads.registry import Registry
from weft.serve.ads.server import DiscoveryService, Limits
from weft.serve.ads.session import Session
from weft.serve.ads.views import ResourceTable, View
from weft.serve.callers import Caller, Pod, RefusedError
from weft.serve.http2 import status
from weft.serve.http2.call import Call
from weft.serve.http2.frames import DATA, END_STREAM, HEADERS, PREFACE, FrameReader
from weft.serve.http2.headers import HeaderDecoder, Request
from weft.serve.http2.intake import Intake
from weft.serve.tokens.guard import ReviewGuard
from weft.serve.transport import bearer_token

WEB = Pod("uid-1", "shop", "web-0", "web")
OTHER = Pod("uid-2", "shop", "web-1", "web")
DELTA = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources"
STATE = "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources"
NODE = "sidecar~10.0.0.1~web-0.shop~shop.svc"


class Client:
    """Makes one call over a connection in memory."""

    def __init__(self, token: str | None = "web") -> None:
        self.decode: Callable[[bytes], Any] = Response
        self.responses: asyncio.Queue[Any] = asyncio.Queue()
        self.status: tuple[int, str] | None = None
        self.carrier = Carrier()
        fields = () if token is None else (("authorization", token),)
        self.call = Call(
            self.carrier,
            1,
            Request("POST", "/x", fields, None),
            peer="10.0.0.1",
            window=1_000_000,
            max_message=1_000_000,
        )

    def request(self, message: bytes) -> None:
        data = b"\0" + len(message).to_bytes(4, "big") + message
        self.call.take_data(data, len(data))
        self.read()

    def leave(self) -> None:
        self.call.take_end()

    def read(self) -> None:
        sent, self.carrier.sent = self.carrier.sent, []
        reader = FrameReader()
        for kind, flags, _, payload in reader.feed(PREFACE + b"".join(sent)):
            if kind == DATA:
                self.responses.put_nowait(self.decode(payload[5:]))
            elif kind == HEADERS and flags & END_STREAM:
                fields = dict(HeaderDecoder(10_000).decode(payload))
                self.status = int(fields["grpc-status"]), unquote(fields.get("grpc-message", ""))

    async def next(self) -> Any:
        return (await self.wait(lambda: not self.responses.empty())).responses.get_nowait()

    async def end(self) -> tuple[int, str]:
        status = (await self.wait(lambda: self.status is not None)).status
        assert status is not None
        return status

    async def wait(self, condition: Callable[[], bool]) -> "Client":
        async with asyncio.timeout(2):
            while not condition():
                await asyncio.sleep(0)
                self.read()
        return self


class Setting:
    """A service whose tokens are names of pods."""

    def __init__(self, **limits: Any) -> None:
        self.pods = {WEB.uid: WEB, OTHER.uid: OTHER}
        self.table = ResourceTable(WHOLE)
        self.table.update([item(CDS, "a")])
        self.view: View | None = View("shared", self.table)
        self.registry = Registry(())
        self.service = DiscoveryService(
            guard=ReviewGuard(self),
            pods=self.pods.get,
            views=self,
            secrets=Secrets(),
            registry=self.registry,
            limits=Limits(**limits),
        )

    async def review(self, token: str) -> Caller:
        pod = {"web": WEB, "other": OTHER}.get(token)
        if pod is None:
            raise RefusedError("unauthenticated", "bad token")
        return Caller(pod, 4e9)

    def view_of(self, pod: Pod, node: Node) -> View | None:
        return self.view

    def serve(self, client: Client, node: str | None = NODE) -> Client:
        fields = {} if node is None else {"node": {"id": node}}
        self.service.methods()[DELTA](client.call)
        client.request(encode_request(CDS, **fields))
        return client

    async def refusal(self, client: Client, node: str | None = NODE) -> tuple[int, str]:
        status = await self.serve(client, node).end()
        assert client.responses.empty(), "somebody who is refused gets nothing"
        return status


class Secrets:
    async def view_of(self, pod: Pod) -> View:
        await asyncio.sleep(0)
        return View("own", ResourceTable())


async def test_who_asks_for_state_of_the_world_gets_it() -> None:
    setting, client = Setting(), Client("Bearer web")
    client.decode = StateResponse
    setting.table.update([thing(CDS, "a")])
    setting.service.methods()[STATE](client.call)
    client.request(encode_state_request(CDS, node={"id": NODE}))
    first = await client.next()
    assert (first.type_url, set(first.resources)) == (CDS, {"a"})
    assert setting.view is not None
    setting.view.publish(setting.table.update([thing(CDS, "b")]))
    client.request(encode_state_request(CDS, response_nonce=first.nonce))
    assert set((await client.next()).resources) == {"a", "b"}


async def test_a_session_that_fails_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    setting = Setting()
    monkeypatch.setattr(Session, "_take", fail)
    code, _ = await setting.refusal(Client("Bearer web"))
    assert code == status.INTERNAL
    assert len(setting.registry) == 0
    assert not setting.service._nodes
    assert setting.view is not None
    assert not setting.view.watched


def encode_state_request(type_url: str, **fields: Any) -> bytes:
    message = protobuf.new("envoy.service.discovery.v3.DiscoveryRequest", type_url=type_url, **fields)
    return protobuf.serialize(message)


async def test_a_pod_with_its_token_is_served_and_then_forgotten() -> None:
    setting = Setting()
    client = setting.serve(Client("Bearer web"))
    assert set((await client.next()).versions) == {"a"}
    assert [state.pod for state in setting.registry.states()] == ["web-0"]
    client.leave()
    assert await client.end() == (status.OK, "")
    assert len(setting.registry) == 0
    assert not setting.service._nodes
    assert not setting.service._calls


async def test_bad_tokens_are_refused() -> None:
    for token in (None, "bad", ""):
        code, _ = await Setting().refusal(Client(token))
        assert code == status.UNAUTHENTICATED


async def test_two_tokens_are_none() -> None:
    client = Client()
    client.call.request = Request("POST", "/x", (("authorization", "web"), ("authorization", "web")), None)
    code, _ = await Setting().refusal(client)
    assert code == status.UNAUTHENTICATED


async def test_the_token_of_another_pod_is_refused() -> None:
    code, details = await Setting().refusal(Client("other"))
    assert code == status.PERMISSION_DENIED
    assert "shop/web-1" in details


@pytest.mark.parametrize("node", [None, "", "web-0.shop", "sidecar~10.0.0.1~web-0~shop"])
async def test_a_call_without_a_good_node_is_refused(node: str | None) -> None:
    code, _ = await Setting().refusal(Client(), node)
    assert code == status.INVALID_ARGUMENT


async def test_a_pod_that_goes_while_it_is_let_in_is_refused() -> None:
    setting, client = Setting(), Client()
    setting.serve(client)
    del setting.pods[WEB.uid]
    assert await client.end() == (status.PERMISSION_DENIED, "the token's pod does not exist any more")


async def test_first_requests_are_not_read_while_secrets_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    issued = asyncio.Event()

    async def view_of(_: Secrets, pod: Pod) -> View:
        await issued.wait()
        return View("own", ResourceTable())

    monkeypatch.setattr(Secrets, "view_of", view_of)
    client = Setting().serve(Client())
    for _ in range(5):
        await asyncio.sleep(0)
    assert client.call._receiver is None
    assert client.call._buffer
    issued.set()
    assert (await client.next()).versions


async def test_a_pod_whose_view_is_not_computed_yet_comes_again() -> None:
    setting = Setting()
    setting.view = None
    code, _ = await setting.refusal(Client())
    assert code == status.UNAVAILABLE


@pytest.mark.parametrize("limits", [{"streams": 2}, {"streams_of_pod": 2}])
async def test_streams_are_limited(limits: dict[str, int]) -> None:
    setting = Setting(**limits)
    clients = [setting.serve(Client()) for _ in range(2)]
    for client in clients:
        await client.next()
    code, _ = await setting.refusal(Client())
    assert code == status.RESOURCE_EXHAUSTED
    setting.registry.close_all()
    assert [await client.end() for client in clients] == [(status.OK, "")] * 2
    assert (await setting.serve(Client()).next()).versions, "there is room again"


async def test_a_call_that_asks_for_nothing_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_FIRST_REQUEST", 0.05)
    client = Client()
    Setting().service.methods()[DELTA](client.call)
    assert (await client.end())[0] == status.INVALID_ARGUMENT


class Sender:
    def let_more_come(self) -> None:
        """Nothing more comes."""


async def test_who_has_to_wait_with_a_long_first_request_is_not_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_FIRST_REQUEST", 0.02)
    client, other = Client(), Sender()
    intake = client.carrier.intake = Intake(places=1)
    intake.enter(other)
    request = encode_request(CDS, node={"id": NODE, "cluster": "long" * 10_000})
    data = b"\0" + len(request).to_bytes(4, "big") + request
    Setting().service.methods()[DELTA](client.call)
    client.call.take_data(data[:100], 100)
    await asyncio.sleep(0.1)
    client.read()
    assert client.status is None
    intake.leave(other)
    client.call.take_data(data[100:], len(data) - 100)
    client.read()
    assert (await client.next()).versions


async def test_who_begins_a_first_request_and_sends_no_more_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_FIRST_REQUEST", 0.02)
    client = Client()
    Setting().service.methods()[DELTA](client.call)
    client.call.take_data(b"\0\0\0\0\x09abc", 8)
    assert (await client.end())[0] == status.INVALID_ARGUMENT


async def test_what_comes_with_the_first_request_is_read_too() -> None:
    setting, client = Setting(), Client()
    setting.table.update([item(EDS, "a")])
    setting.serve(client)
    client.request(encode_request(EDS, resource_names_subscribe=["a"]))
    assert {(await client.next()).type_url, (await client.next()).type_url} == {CDS, EDS}


async def test_an_error_of_ours_ends_the_stream_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    setting = Setting()
    setting.view_of = None  # type: ignore[method-assign, assignment]
    assert await setting.refusal(Client()) == (status.INTERNAL, "internal error")
    assert "failed" in caplog.text


async def test_a_pod_moves_to_the_view_that_it_belongs_to_now() -> None:
    setting = Setting()
    client = setting.serve(Client())
    await client.next()
    client.request(encode_request(CDS, response_nonce="1"))
    other = ResourceTable(WHOLE)
    other.update([item(CDS, "b")])
    setting.view = View("other", other)
    setting.service.reassign(WEB.uid)
    response = await client.next()
    assert (set(response.versions), response.removed) == ({"b"}, ["a"])
    setting.registry.close_pod(WEB.uid)
    assert await client.end() == (status.PERMISSION_DENIED, "the pod was deleted")


@pytest.mark.parametrize(
    ("header", "token"),
    [("abc", "abc"), ("Bearer abc", "abc"), ("bearer  abc ", "abc"), ("", "")],
)
def test_a_token_comes_with_or_without_bearer(header: str, token: str) -> None:
    assert bearer_token(Client(header).call) == token
