"""Real Envoys take what a view holds, and every change of it, live and without a failed request."""

import asyncio
from collections.abc import Callable

import pytest
from tests.e2e.xds.harness import (
    POD,
    ControlPlane,
    Envoy,
    Load,
    back,
    cluster,
    endpoints,
    everything,
    front,
    request,
    routes,
    until,
)

from weft.envoy.type_urls import CDS, EDS, LDS, RDS

pytestmark = pytest.mark.isolation("userns", here=True)
Start = Callable[..., Envoy]


async def serving() -> bool:
    return (await request()).status == 200


async def started(plane: ControlPlane, start_envoy: Start) -> Envoy:
    plane.set(*everything())
    envoy = start_envoy(plane)
    await until(serving)
    return envoy


async def test_an_envoy_gets_all_types_and_serves_with_mutual_tls(plane: ControlPlane, start_envoy: Start) -> None:
    await started(plane, start_envoy)
    answer = await request()
    assert answer["x-peer"] == "spiffe://mesh.test/ns/shop/sa/web"
    assert answer["x-subject"] == "CN=web,OU=v1,O=web"
    await until(lambda: set(plane.statuses().values()) == {"SYNCED"})
    types = {"Cluster", "ClusterLoadAssignment", "Listener", "RouteConfiguration", "Secret"}
    assert plane.statuses().keys() == types
    assert not plane.nacks
    (state,) = plane.registry.states()
    assert (state.namespace, state.pod, state.address) == ("shop", "web-0", "127.0.0.1")


async def test_a_route_to_a_new_cluster_never_fails(plane: ControlPlane, start_envoy: Start) -> None:
    """Clusters come and go with the routes that use them; each change is one publication.

    Many come at once, so that they are warming for a time that requests can fall into.
    """
    await started(plane, start_envoy)
    async with Load() as load:
        old = ["back"]
        for number in range(5):
            new = [f"back{number}-{index}" for index in range(60)]
            changed = [make(name) for name in new for make in (cluster, endpoints)]
            gone = tuple((type_url, name) for name in old for type_url in (CDS, EDS))
            plane.set(*changed, routes(new[-1]), removed=gone)
            old = new
            await until(lambda: set(plane.statuses().values()) == {"SYNCED"})
    assert load.failed == []
    assert plane.registry.states()[0].types[1].subscribed == 60, "removed clusters must be gone from Envoy"
    assert not plane.nacks


async def test_a_large_configuration_is_whole_before_it_is_used(plane: ControlPlane, start_envoy: Start) -> None:
    """Two megabytes of clusters come in three responses; listeners come after the last."""
    names = [f"c{number}" for number in range(400)]
    plane.set(*(cluster(name, padding=5_000) for name in names), *(endpoints(name) for name in names))
    envoy = await started(plane, start_envoy)
    assert await envoy.stat("cluster_manager.active_clusters") == len(names) + 2
    assert await envoy.stat("cluster_manager.cds.update_success") >= 3
    assert not plane.nacks


async def test_a_changed_cluster_does_not_wait_for_endpoints(plane: ControlPlane, start_envoy: Start) -> None:
    envoy = await started(plane, start_envoy)
    async with Load() as load:
        for number in range(5):
            plane.set(cluster("back", timeout=f"{number + 2}s"))
            await until(lambda: plane.statuses()["Cluster"] == "SYNCED", 3.0)
        assert await envoy.stat("cluster_manager.warming_clusters") == 0
    assert load.failed == []


async def test_a_cluster_without_endpoints_does_not_hold_up_the_rest(plane: ControlPlane, start_envoy: Start) -> None:
    envoy = await started(plane, start_envoy)
    plane.set(cluster("empty"), routes(204))
    await until(answers(204), 3.0)
    assert await envoy.stat("cluster_manager.warming_clusters") == 0


async def test_endpoints_and_listeners_change_live(plane: ControlPlane, start_envoy: Start) -> None:
    await started(plane, start_envoy)
    plane.set(back(18002), endpoints("back", 18002), front("second", 18003))
    await until(lambda: serving_on(18003))
    async with Load() as load:
        plane.set(removed=((LDS, "second"),))
        await until(lambda: closed(18003))
    assert load.failed == []


async def test_a_bad_resource_leaves_the_good_ones_alone(plane: ControlPlane, start_envoy: Start) -> None:
    envoy = await started(plane, start_envoy)
    plane.set(front("second", 18003, "more"), routes(201, name="more"))
    plane.set(front("third", 18004, "bad"), routes(201, name="bad"))
    await until(lambda: plane.statuses()["RouteConfiguration"] == "SYNCED")
    plane.set(routes(202), routes(203, name="more"), routes("back", name="bad", domains=("*", "*")))
    await until(answers(203, 18003))
    await until(answers(202))
    await until(lambda: plane.statuses()["RouteConfiguration"] == "ERROR")
    refused = len(plane.nacks)
    assert {nack.type_url for nack in plane.nacks} == {RDS}
    assert "Only a single wildcard domain" in plane.nacks[-1].message
    assert plane.nacks[-1].names == ("bad",)
    await asyncio.sleep(1.0)
    assert len(plane.nacks) == refused <= 3, "what was refused is not sent again and again"
    plane.set(routes(206, name="bad"))
    await until(answers(206, 18004))
    await until(lambda: plane.statuses()["RouteConfiguration"] == "SYNCED")
    assert await envoy.stat("http.front.rds.routes.update_rejected") <= refused


async def test_a_reconnecting_envoy_that_has_everything_gets_nothing(plane: ControlPlane, start_envoy: Start) -> None:
    envoy = await started(plane, start_envoy)
    await until(lambda: set(plane.statuses().values()) == {"SYNCED"})
    before = await envoy.stat("cluster_manager.cds.update_success")
    first = plane.registry.states()[0].connected
    async with Load() as load:
        plane.registry.of_pod(POD.uid)[0].end()
        await until(lambda: len(plane.statuses()) == 5 and plane.registry.states()[0].connected > first)
        await asyncio.sleep(0.5)
    assert load.failed == []
    assert [t.nonce_sent for t in plane.registry.states()[0].types] == [""] * 5
    assert set(plane.statuses().values()) == {"SYNCED"}
    assert await envoy.stat("cluster_manager.cds.update_success") == before


async def test_what_changed_while_it_was_away_is_told_at_reconnection(plane: ControlPlane, start_envoy: Start) -> None:
    """Among it a changed cluster, whose endpoints are the same, and a removed one that a route still used."""
    envoy = await started(plane, start_envoy)
    plane.set(cluster("old"), endpoints("old"), routes("old"))
    await until(lambda: set(plane.statuses().values()) == {"SYNCED"})
    async with Load() as load:
        plane.registry.of_pod(POD.uid)[0].end()
        plane.set(cluster("back", timeout="9s"), routes("back"), removed=((CDS, "old"), (EDS, "old")))
        await until(lambda: not plane.statuses())
        await until(lambda: len(plane.statuses()) == 5)
        await until(lambda: set(plane.statuses().values()) == {"SYNCED"})
    assert load.failed == []
    assert await envoy.stat("cluster_manager.warming_clusters") == 0
    assert '"old"' not in await envoy.dump()


async def test_an_envoy_outlives_the_control_plane(plane: ControlPlane, start_envoy: Start) -> None:
    await started(plane, start_envoy)
    async with Load() as load:
        await plane.__aexit__()
        await asyncio.sleep(1.0)
    assert load.failed == []


def answers(status: int, port: int = 18000) -> Callable[[], object]:
    async def check() -> bool:
        return (await request(port)).status == status

    return check


async def serving_on(port: int) -> bool:
    return (await request(port)).status == 200


async def closed(port: int) -> bool:
    return (await request(port)).status == 0
