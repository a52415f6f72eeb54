"""The API for the mesh as a whole."""

import asyncio

import pytest
from tests.unit.apps.controller import WEB, Controller
from tests.unit.serve.http.conftest import Ask


async def test_the_status_counts_pods_and_tells_when_the_node_was_seen(api: Ask, controller: Controller) -> None:
    status, before = await api("GET", "/v1/status")
    assert status == 200
    assert (before["mesh"], before["folder"], before["node_seen"]) == ("test", str(controller.folder), None)
    assert before["pods"] == {"wanted": 1, "ready": 0}
    controller.ready()
    _, after = await api("GET", "/v1/status")
    assert after["pods"] == {"wanted": 1, "ready": 1}
    assert after["node_seen"] >= after["started"]
    assert (after["proxies"], after["nacks"]) == ({}, 0)


async def test_issues_are_part_of_the_status(api: Ask, controller: Controller) -> None:
    controller.write("broken.yaml", "kind: [")
    _, status = await api("GET", "/v1/status")
    assert len(status["issues"]) == 1


async def test_without_proxies_there_are_none(api: Ask) -> None:
    assert await api("GET", "/v1/proxies") == (200, [])


@pytest.mark.parametrize("target", ["/v1/status", "/v1/proxies"])
async def test_states_of_proxies_tell_of_all_changes_before(api: Ask, controller: Controller, target: str) -> None:
    for number in range(3):  # the second one must wait for the pace of pushes
        controller.write("more.yaml", WEB.replace("web", f"web-{number}"))
        await api("GET", target)
        async with asyncio.timeout(0):
            await controller.state.pushes.told()


async def test_what_an_object_is_connected_with(api: Ask, controller: Controller) -> None:
    controller.ready()
    (record,) = controller.live()
    address = controller.cluster.plan(record.uid)
    assert address is not None
    _, of_service = await api("GET", "/v1/related/Service/web?namespace=shop")
    assert of_service == {"Endpoints http": [f"{address.address}:8080"]}
    _, of_pod = await api("GET", f"/v1/related/Pod/{record.name}?namespace=shop")
    assert of_pod["Services"] == ["web.shop.svc.cluster.local"]
    assert await api("GET", "/v1/related/Pod/none?namespace=shop") == (200, {})
    assert await api("GET", "/v1/related/ConfigMap/none?namespace=shop") == (200, {})
