"""The API for the node: orders, reports, credentials."""

import asyncio
from typing import Any

from msgspec import to_builtins
from tests.unit.apps.controller import Controller, reported
from tests.unit.serve.http.conftest import Ask


async def test_orders_come_at_once_and_then_with_the_next_change(api: Ask, controller: Controller) -> None:
    status, first = await api("GET", "/v1/node/orders")
    assert status == 200
    assert [order["name"] for order in first["pods"]] == [record.name for record in controller.live()]
    asking = asyncio.create_task(api("GET", f"/v1/node/orders?after={first['revision']}"))
    await asyncio.sleep(0.05)
    assert not asking.done()
    assert controller.state.delete(controller.live()[0].ref)
    status, second = await asyncio.wait_for(asking, 5)
    assert status == 200
    assert second["revision"] > first["revision"]
    assert {order["uid"] for order in second["pods"]} > {order["uid"] for order in first["pods"]}


async def test_a_node_that_waits_is_let_go_when_the_controller_ends(api: Ask, controller: Controller) -> None:
    _, first = await api("GET", "/v1/node/orders")
    asking = asyncio.create_task(api("GET", f"/v1/node/orders?after={first['revision']}"))
    await asyncio.sleep(0.05)
    controller.state.end()
    assert await asyncio.wait_for(asking, 5) == (204, None)


async def test_another_controllers_revision_counts_as_none(api: Ask) -> None:
    assert (await api("GET", "/v1/node/orders?after=5"))[0] == 200


async def test_a_revision_that_is_none_is_told(api: Ask) -> None:
    for text in ("-1", "x", "9" * 5_000):
        status, error = await api("GET", f"/v1/node/orders?after={text}")
        assert status == 400
        assert "is a revision" in error["error"]


async def test_reports_are_taken_over(api: Ask, controller: Controller) -> None:
    (record,) = controller.live()
    assert await api("POST", "/v1/node/reports", to_builtins([reported(record)])) == (204, None)
    assert controller.pods.is_ready(record.uid)


async def test_a_report_that_is_none_is_told_and_changes_nothing(api: Ask, controller: Controller) -> None:
    (record,) = controller.live()
    bodies: list[Any] = [{}, [{"uid": record.uid}], [{"uid": record.uid, "phase": "Odd", "ready": True}]]
    for body in bodies:
        assert (await api("POST", "/v1/node/reports", body))[0] == 400
    assert controller.pods.report(record.uid) is None


async def test_credentials_are_for_pods_that_there_are(api: Ask, controller: Controller) -> None:
    (record,) = controller.live()
    status, found = await api("POST", "/v1/node/credentials", {"uid": record.uid})
    assert status == 200
    assert found["token"]
    assert "BEGIN CERTIFICATE" in found["root"]
    controller.state.delete(record.ref)
    status, error = await api("POST", "/v1/node/credentials", {"uid": record.uid})
    assert (status, error["error"]) == (404, f"there is no pod with uid '{record.uid}'")
    assert (await api("POST", "/v1/node/credentials", {"uid": 5}))[0] == 400
