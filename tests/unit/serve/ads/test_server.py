"""Who is let in, and what is said to those who are not. Calls are made without a network."""

import asyncio
from typing import Any

import grpc
import grpc.aio
import pytest
from tests.unit.serve.ads.client import WHOLE, Response, encode_request, item

from weft.envoy.type_urls import CDS
from weft.serve.ads import server
from weft.serve.ads.messages import Node
from weft.serve.ads.registry import Registry
from weft.serve.ads.server import DiscoveryService, Limits
from weft.serve.ads.views import ResourceTable, View
from weft.serve.callers import Caller, Pod, RefusedError
from weft.serve.tokens.guard import ReviewGuard
from weft.serve.transport import address_of, bearer_token

WEB = Pod("uid-1", "shop", "web-0", "web")
OTHER = Pod("uid-2", "shop", "web-1", "web")
NODE = "sidecar~10.0.0.1~web-0.shop~shop.svc"


class AbortedError(Exception):
    """What `abort` raises in grpc.aio."""


class Call:
    """The context of a call."""

    def __init__(self, token: str | None = "web", peer: str = "ipv4:10.0.0.1:999") -> None:
        self.metadata: tuple[tuple[str, str], ...] = () if token is None else (("authorization", token),)
        self._peer = peer
        self.requests: asyncio.Queue[Any] = asyncio.Queue()
        self.responses: asyncio.Queue[Response] = asyncio.Queue()
        self.status: tuple[grpc.StatusCode, str] | None = None

    def peer(self) -> str:
        return self._peer

    def invocation_metadata(self) -> Any:
        return self.metadata

    async def read(self) -> Any:
        return await self.requests.get()

    async def write(self, message: bytes) -> None:
        self.responses.put_nowait(Response(message))

    async def abort(self, code: grpc.StatusCode, details: str) -> None:
        self.status = (code, details)
        raise AbortedError


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

    def serve(self, call: Call, node: str | None = NODE) -> "asyncio.Task[None]":
        fields = {} if node is None else {"node": {"id": node}}
        call.requests.put_nowait(encode_request(CDS, **fields))
        return asyncio.create_task(self.service._delta(None, call))

    async def refusal(self, call: Call, node: str | None = NODE) -> tuple[grpc.StatusCode, str]:
        with pytest.raises(AbortedError):
            await asyncio.wait_for(self.serve(call, node), 2)
        assert call.responses.empty(), "somebody who is refused gets nothing"
        assert call.status is not None
        return call.status


class Secrets:
    async def view_of(self, pod: Pod) -> View:
        await asyncio.sleep(0)
        return View("own", ResourceTable())


async def test_a_pod_with_its_token_is_served_and_then_forgotten() -> None:
    setting, call = Setting(), Call("Bearer web")
    task = setting.serve(call)
    assert set((await asyncio.wait_for(call.responses.get(), 2)).versions) == {"a"}
    assert [state.pod for state in setting.registry.states()] == ["web-0"]
    call.requests.put_nowait(grpc.aio.EOF)
    await asyncio.wait_for(task, 2)
    assert call.status is None
    assert len(setting.registry) == 0
    assert not setting.service._nodes
    assert not setting.service._calls


async def test_bad_tokens_are_refused() -> None:
    for token in (None, "bad", ""):
        code, _ = await Setting().refusal(Call(token))
        assert code == grpc.StatusCode.UNAUTHENTICATED


async def test_the_token_of_another_pod_is_refused() -> None:
    code, details = await Setting().refusal(Call("other"))
    assert code == grpc.StatusCode.PERMISSION_DENIED
    assert "shop/web-1" in details


@pytest.mark.parametrize("node", [None, "", "web-0.shop", "sidecar~10.0.0.1~web-0~shop"])
async def test_a_call_without_a_good_node_is_refused(node: str | None) -> None:
    code, _ = await Setting().refusal(Call(), node)
    assert code == grpc.StatusCode.INVALID_ARGUMENT


async def test_a_pod_that_goes_while_it_is_let_in_is_refused() -> None:
    setting, call = Setting(), Call()
    task = setting.serve(call)
    await asyncio.sleep(0)
    del setting.pods[WEB.uid]
    with pytest.raises(AbortedError):
        await asyncio.wait_for(task, 2)
    assert call.status == (grpc.StatusCode.PERMISSION_DENIED, "the token's pod does not exist any more")


async def test_a_pod_whose_view_is_not_computed_yet_comes_again() -> None:
    setting = Setting()
    setting.view = None
    code, _ = await setting.refusal(Call())
    assert code == grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize("limits", [{"streams": 2}, {"streams_of_pod": 2}])
async def test_streams_are_limited(limits: dict[str, int]) -> None:
    setting, calls = Setting(**limits), [Call(), Call()]
    tasks = [setting.serve(call) for call in calls]
    for call in calls:
        await asyncio.wait_for(call.responses.get(), 2)
    code, _ = await setting.refusal(Call())
    assert code == grpc.StatusCode.RESOURCE_EXHAUSTED
    setting.registry.close_all()
    await asyncio.wait_for(asyncio.gather(*tasks), 2)
    assert all(call.status is None for call in calls)
    await asyncio.wait_for(open_and_close(setting), 2)


async def open_and_close(setting: Setting) -> None:
    call = Call()
    task = setting.serve(call)
    await call.responses.get()
    call.requests.put_nowait(grpc.aio.EOF)
    await task


async def test_a_call_that_asks_for_nothing_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_FIRST_REQUEST", 0.05)
    call = Call()
    with pytest.raises(AbortedError):
        await asyncio.wait_for(Setting().service._delta(None, call), 2)
    assert call.status is not None
    assert call.status[0] == grpc.StatusCode.INVALID_ARGUMENT


async def test_a_pod_moves_to_the_view_that_it_belongs_to_now() -> None:
    setting, call = Setting(), Call()
    task = setting.serve(call)
    await asyncio.wait_for(call.responses.get(), 2)
    call.requests.put_nowait(encode_request(CDS, response_nonce="1"))
    other = ResourceTable(WHOLE)
    other.update([item(CDS, "b")])
    setting.view = View("other", other)
    setting.service.reassign(WEB.uid)
    response = await asyncio.wait_for(call.responses.get(), 2)
    assert (set(response.versions), response.removed) == ({"b"}, ["a"])
    setting.registry.close_pod(WEB.uid)
    with pytest.raises(AbortedError):
        await asyncio.wait_for(task, 2)
    assert call.status == (grpc.StatusCode.PERMISSION_DENIED, "the pod was deleted")


@pytest.mark.parametrize(
    ("header", "token"),
    [("abc", "abc"), ("Bearer abc", "abc"), ("bearer  abc ", "abc"), ("", "")],
)
def test_a_token_comes_with_or_without_bearer(header: str, token: str) -> None:
    assert bearer_token(Call(header)) == token


def test_two_tokens_are_none() -> None:
    call = Call()
    call.metadata = (("authorization", "a"), ("authorization", "b"))
    assert bearer_token(call) is None


@pytest.mark.parametrize(
    ("peer", "address"),
    [("ipv4:10.0.0.1:999", "10.0.0.1"), ("ipv6:%5Bfd00::1%5D:999", "fd00::1"), ("unix:/x", "/x")],
)
def test_the_address_is_without_port(peer: str, address: str) -> None:
    assert address_of(Call(peer=peer)) == address
