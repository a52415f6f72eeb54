"""A controller's metrics say what is so, and its log of pushes which change led to what."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.unit.apps.controller import NAMESPACE, ROUTES, WEB, Controller

from weft.apps.observation import versions
from weft.base.issues import Ref
from weft.graph.core import Graph
from weft.graph.tables import Derived, Input
from weft.serve.ads.messages import Node
from weft.serve.callers import Pod, RefusedError

ROUTE = "VirtualService shop/web"


@pytest.fixture
def controller(tmp_path: Path) -> Controller:
    found = Controller(tmp_path)
    found.write("objects.yaml", f"{NAMESPACE}---{WEB}")
    found.ready()
    return found


def values(controller: Controller) -> dict[str, float]:
    """All samples by name and labels, as they are written."""
    lines = controller.state.metrics().decode().splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}


def connect(controller: Controller) -> Pod:
    """Shows the view of the only pod, as its stream would; returns the pod."""
    record = controller.live()[0]
    pod = controller.state.pod(record.uid)
    assert pod is not None
    node = Node(f"sidecar~10.244.0.3~{pod.name}.{pod.namespace}~cluster.local", "", {})
    assert controller.state.views.view_of(pod, node) is not None
    return pod


@asynccontextmanager
async def pushing(controller: Controller) -> AsyncIterator[None]:
    task = asyncio.create_task(controller.state.pushes.run())
    await asyncio.sleep(0.05)
    yield
    await asyncio.sleep(0.4)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def test_objects_and_changes_are_counted(controller: Controller) -> None:
    found = values(controller)
    assert found["pilot_services"] == 1
    assert found["pilot_virt_services"] == 0
    assert found['pilot_inbound_updates{type="svc"}'] == 1
    assert found['pilot_inbound_updates{type="eds"}'] >= 1
    assert found['weft_graph_nodes{table="objects"}'] >= 3


async def test_certificates_are_counted_and_the_root_has_an_end(controller: Controller) -> None:
    record = controller.live()[0]
    pod = controller.state.pod(record.uid)
    assert pod is not None
    await controller.state._identity.secrets.view_of(pod)
    with pytest.raises(RefusedError):
        await controller.state._identity.guard.review("no token", "10.0.0.1")
    found = values(controller)
    assert found["citadel_server_csr_count"] == found["citadel_server_success_cert_issuance_count"] == 1
    assert found["citadel_server_authentication_failure_count"] == 1
    assert found["citadel_server_root_cert_expiry_timestamp"] > record.created


def test_the_graph_tells_what_it_did_not_have_to_compute() -> None:
    graph = Graph()
    numbers: Input[str, int] = Input(graph, "numbers")
    signs: Derived[str, bool] = Derived(graph, "signs", lambda key: (numbers.get(key) or 0) > 0)
    answers: Derived[str, str] = Derived(graph, "answers", lambda key: str(signs.get(key)))
    graph.pin(answers.node("a"))
    for number in (1, 2):
        numbers.set("a", number)
        answers.get("a")
    assert {table.name: (len(table), table.computed, table.cut_off) for table in graph.tables} == {
        "numbers": (1, 0, 0),
        "signs": (1, 2, 0),
        "answers": (1, 1, 1),
    }


async def test_the_change_that_led_to_a_push_is_told_for_the_proxy_and_the_resource(controller: Controller) -> None:
    pod = connect(controller)
    async with pushing(controller):
        controller.write("route.yaml", ROUTES)
    ref = Ref("Pod", pod.namespace, pod.name)
    hosts = [push for push in controller.state.reasons(ref) if "VHDS" in push.resources]
    assert [push.changes for push in hosts] == [(ROUTE,)]
    assert any("web.shop.svc.cluster.local" in name for name in hosts[0].resources["VHDS"])
    assert controller.state.reasons(None)


async def test_what_changes_nothing_for_anybody_is_not_told(controller: Controller) -> None:
    connect(controller)
    before = controller.state.reasons(None)
    async with pushing(controller):
        controller.write("route.yaml", ROUTES.replace("[web]", "[elsewhere.example]").replace("shop}", "other}"))
        controller.remove("route.yaml")
    assert [push.number for push in controller.state.reasons(None)] == [push.number for push in before]


async def test_a_proxy_that_shows_another_view_was_told_because_of_its_pod(controller: Controller) -> None:
    pod = connect(controller)
    ref = Ref("Pod", pod.namespace, pod.name)
    async with pushing(controller):
        controller.state.label(ref, {"version": "v2"})
    assert [(push.moved, push.changes) for push in controller.state.reasons(ref) if push.moved] == [(True, (str(ref),))]


def test_a_pod_without_a_proxy_has_no_pushes(controller: Controller) -> None:
    with pytest.raises(KeyError):
        controller.state.reasons(Ref("Pod", "shop", "nobody"))


def test_what_proxies_say_of_their_version_makes_few_labels() -> None:
    said = ["1.40.0"] * 3 + ['"} 1\nevil', "", *(f"1.0.{number}" for number in range(100))]
    found = dict(versions(said))
    assert found[("1.40.0",)] == 3
    assert found[("unknown",)] == 2
    assert len(found) == 33
    assert sum(found.values()) == len(said)
