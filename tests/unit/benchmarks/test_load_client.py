"""The load client against a server of gRPC's own, and what is made of its reports."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import grpc
import grpc.aio
import pytest
from benchmarks.ads.arrivals import Mark
from benchmarks.ads.client import follow
from benchmarks.ads.content import Protocol
from benchmarks.ads.fleet import Fleet
from benchmarks.ads.job import Await, Job, ProxyJob, Report, Watch
from benchmarks.control.meter import delays, latest
from benchmarks.control.results import Delays

from weft.base import protobuf
from weft.base.wire import bytes_field, string_field
from weft.envoy.type_urls import CDS, EDS, LDS

NODE = protobuf.serialize(protobuf.new("envoy.config.core.v3.Node", id="a"))
REQUESTS = {
    "DeltaAggregatedResources": "envoy.service.discovery.v3.DeltaDiscoveryRequest",
    "StreamAggregatedResources": "envoy.service.discovery.v3.DiscoveryRequest",
}
METHODS = {"delta": "DeltaAggregatedResources", "sotw": "StreamAggregatedResources"}
MANY = 1_000
NAMES = [f"cluster-{number:092}" for number in range(MANY)]  # together more than a window


def cluster(name: str) -> Any:
    source: dict[str, Any] = {"eds_config": {"ads": {}}}
    return protobuf.new("envoy.config.cluster.v3.Cluster", name=name, type="EDS", eds_cluster_config=source)


def endpoints(name: str, text: str) -> Any:
    place = {"socket_address": {"address": text, "port_value": 80}}
    locality = {"lb_endpoints": [{"endpoint": {"address": place}}]}
    return protobuf.new("envoy.config.endpoint.v3.ClusterLoadAssignment", cluster_name=name, endpoints=[locality])


class Server:
    """An ADS server that answers each first request for a type, and pushes endpoints when it is told to."""

    def __init__(self, method: str) -> None:
        self.method = method
        self.tokens: list[str] = []
        self.changed = asyncio.Event()
        self.held = {CDS: [cluster(each) for each in NAMES], LDS: []}
        self.held[EDS] = [endpoints(each, "10.0.0.1") for each in NAMES]

    def handler(self) -> grpc.GenericRpcHandler:
        methods = {self.method: grpc.stream_stream_rpc_method_handler(self.serve)}
        return grpc.method_handlers_generic_handler("envoy.service.discovery.v3.AggregatedDiscoveryService", methods)

    async def serve(self, requests: AsyncIterator[bytes], context: Any) -> None:
        self.tokens += [value for key, value in context.invocation_metadata() if key == "authorization"]
        pushes = asyncio.create_task(self.push(context))
        seen: set[str] = set()
        async for data in requests:
            request: Any = protobuf.parse(REQUESTS[self.method], data)
            if request.type_url not in seen:
                seen.add(request.type_url)
                await context.write(self.response(request.type_url, self.held[request.type_url]))
        pushes.cancel()

    async def push(self, context: Any) -> None:
        await self.changed.wait()
        await context.write(self.response(EDS, [endpoints(NAMES[1], "10.0.0.77")]))

    def response(self, type_url: str, resources: list[Any]) -> bytes:
        packed = [protobuf.serialize(protobuf.pack(each)) for each in resources]
        if self.method == METHODS["delta"]:
            names = [getattr(each, "cluster_name", "") or each.name for each in resources]
            packed = [bytes_field(2, each) + string_field(3, name) for each, name in zip(packed, names, strict=True)]
        return b"".join(bytes_field(2, each) for each in packed) + string_field(4, type_url) + string_field(5, "nonce")


@pytest.fixture(params=["delta", "sotw"])
def protocol(request: pytest.FixtureRequest) -> Protocol:
    chosen: Protocol = request.param
    return chosen


@contextlib.contextmanager
def fleet_of(port: int, protocol: Protocol, proxies: int, attempts: int = 1) -> Iterator[Fleet]:
    one = ProxyJob(NODE, "secret")
    fleet = Fleet(Job(host="127.0.0.1", port=port, proxies=(one,) * proxies, protocol=protocol, attempts=attempts))
    try:
        yield fleet
    finally:
        fleet.close()


async def start(handler: grpc.GenericRpcHandler) -> tuple[grpc.aio.Server, int]:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((handler,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    return server, port


async def ask(fleet: Fleet, order: Watch | Await, during: Callable[[], None] | None = None) -> Any:
    """Follows an order beside the server; `during` is called on the server's loop shortly after it has begun."""
    working = asyncio.create_task(asyncio.to_thread(follow, fleet, order))
    if during is not None:
        await asyncio.sleep(0.1)
        during()
    return await working


async def test_proxies_are_configured_and_hear_of_a_change(protocol: Protocol) -> None:
    service = Server(METHODS[protocol])
    server, port = await start(service.handler())
    began = time.monotonic()
    with fleet_of(port, protocol, 5) as fleet:
        await ask(fleet, Watch(connect=True))
        report: Report = await ask(fleet, Await(10, 0.1))
        assert report.failures == ()
        assert None not in report.configured
        assert report.responses == {CDS: 5, EDS: 5, LDS: 5}
        assert report.received > 5 * MANY * 150
        assert service.tokens == ["Bearer secret"] * 5
        await ask(fleet, Watch((Mark(EDS, b"10.0.0.77"),)))
        report = await ask(fleet, Await(10, 0.1), service.changed.set)
        assert all(at is not None and at > began for at in report.times[0])
        assert report.responses == {EDS: 5}
    await server.stop(None)


async def test_a_refusal_is_told() -> None:
    async def refuse(_: object, context: Any) -> None:
        await context.abort(grpc.StatusCode.PERMISSION_DENIED, "not you")

    service = Server(METHODS["delta"])
    service.serve = refuse  # type: ignore[method-assign,assignment]
    server, port = await start(service.handler())
    with fleet_of(port, "delta", 2) as fleet:
        await ask(fleet, Watch(connect=True))
        report: Report = await ask(fleet, Await(10, 0.1))
    assert len(report.failures) == 2
    assert "not you" in report.failures[0]
    await server.stop(None)


async def test_a_proxy_whose_stream_ends_comes_back(protocol: Protocol) -> None:
    service = Server(METHODS[protocol])
    serve, calls = service.serve, 0

    async def refuse_the_first(requests: AsyncIterator[bytes], context: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "not yet")
        await serve(requests, context)

    service.serve = refuse_the_first  # type: ignore[method-assign]
    server, port = await start(service.handler())
    with fleet_of(port, protocol, 2, attempts=2) as fleet:
        await ask(fleet, Watch(connect=True))
        report: Report = await ask(fleet, Await(10, 0.1))
        assert (len(report.failures), report.lost, None in report.configured) == (1, 0, False)
        service.changed.set()
        await ask(fleet, Watch((Mark(EDS, b"10.0.0.77"),), connect=True))
        report = await ask(fleet, Await(10, 0.1))
        assert None not in report.times[0]
    assert calls == 5
    await server.stop(None)


async def test_where_nobody_listens_the_reason_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with fleet_of(taken.getsockname()[1], "delta", 1) as fleet:
            await ask(fleet, Watch(connect=True))
            report: Report = await ask(fleet, Await(10, 0.1))
    assert "refused" in report.failures[0]


def test_delays_are_since_the_change_and_a_missing_proxy_is_no_last_one() -> None:
    found = delays([10.3, 10.1, 10.2], 10.0)
    assert [found.first, found.half, found.last, found.missing] == pytest.approx([100, 200, 300, 0])
    some = delays([10.3, None, 10.2], 10.0)
    assert some.half == pytest.approx(300)
    assert (some.last, some.missing) == (None, 1)
    assert delays([None, None], 10.0) == Delays(None, None, None, 2)


def test_a_proxy_has_a_change_when_it_has_all_of_it() -> None:
    assert latest([[1.0, 2.0, None], [3.0, 1.0, 1.0]]) == [3.0, 2.0, None]
