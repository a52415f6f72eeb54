"""A real Envoy that speaks state of the world takes what a view holds, and every change of it."""

from collections.abc import Callable

import pytest
from tests.e2e.xds.harness import (
    ControlPlane,
    Envoy,
    Load,
    back,
    cluster,
    endpoints,
    everything,
    front,
    host,
    request,
    routes,
    table_in_parts,
    until,
)

from weft.envoy.type_urls import CDS, EDS, VHDS

pytestmark = pytest.mark.isolation("userns", here=True)
Start = Callable[..., Envoy]


def answers(status: int, asked: str | None = None) -> Callable[[], object]:
    async def check() -> bool:
        return (await request(18000, asked)).status == status

    return check


def synced(plane: ControlPlane) -> Callable[[], object]:
    return lambda: bool(plane.statuses()) and set(plane.statuses().values()) == {"SYNCED"}


async def test_an_envoy_gets_all_types_and_serves_with_mutual_tls(plane: ControlPlane, start_envoy: Start) -> None:
    plane.set(*everything())
    start_envoy(plane, api_type="GRPC")
    await until(answers(200))
    assert (await request())["x-peer"] == "spiffe://mesh.test/ns/shop/sa/web"
    await until(synced(plane))
    types = {"Cluster", "ClusterLoadAssignment", "Listener", "RouteConfiguration", "Secret"}
    assert plane.statuses().keys() == types
    assert not plane.nacks


async def test_a_route_to_a_new_cluster_never_fails(plane: ControlPlane, start_envoy: Start) -> None:
    """Clusters come and go with the routes that use them, and change; each change is one publication."""
    plane.set(*everything())
    envoy = start_envoy(plane, api_type="GRPC")
    await until(answers(200))
    async with Load() as load:
        old = ["back"]
        for number in range(5):
            new = [f"back{number}-{index}" for index in range(60)]
            changed = [make(name) for name in new for make in (cluster, endpoints)]
            gone = tuple((type_url, name) for name in old for type_url in (CDS, EDS))
            plane.set(*changed, routes(new[-1]), removed=gone)
            old = new
            await until(synced(plane))
            plane.set(cluster(new[-1], timeout=f"{number + 2}s"))
            await until(synced(plane))
    assert load.failed == []
    assert await envoy.stat("cluster_manager.warming_clusters") == 0
    assert await envoy.stat("cluster_manager.active_clusters") == 61, "removed clusters must be gone from Envoy"
    assert not plane.nacks


async def test_a_table_in_parts_comes_whole(plane: ControlPlane, start_envoy: Start) -> None:
    plane.set(cluster("back"), endpoints("back"), front(), back(), table_in_parts(), host("a", 204, "a.test"))
    start_envoy(plane, api_type="GRPC")
    await until(answers(204, "a.test"))
    plane.set(host("b", "back", "b.test"))
    await until(answers(200, "b.test"))
    plane.set(removed=((VHDS, "routes/a"),))
    await until(answers(404, "a.test"))
    assert not plane.nacks


async def test_an_envoy_that_comes_back_has_what_changed_meanwhile(plane: ControlPlane, start_envoy: Start) -> None:
    plane.set(*everything())
    start_envoy(plane, api_type="GRPC")
    await until(answers(200))
    plane.registry.close_all()
    plane.set(routes(204))
    await until(answers(204))
    await until(synced(plane))
    assert not plane.nacks
