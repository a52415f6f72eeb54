"""The controller's state: what follows from changes, and who is told."""

import asyncio
from unittest.mock import patch

import pytest
from tests.unit.apps.controller import NAMESPACE, ROUTES, WEB, Controller, ref, reported

from weft.base.issues import Ref
from weft.envoy.type_urls import EDS
from weft.serve.ads.messages import Node
from weft.serve.ads.views import Changes, View
from weft.serve.callers import RefusedError
from weft.serve.http.contract import PodCount

DEPLOYMENT = Ref("Deployment.apps", "shop", "web")


class Stream:
    """A stream, as views see it."""

    def __init__(self) -> None:
        self.heard: list[Changes] = []

    def changed(self, changes: Changes) -> None:
        self.heard.append(changes)


def view(controller: Controller) -> View:
    (record,) = controller.live()
    pod = controller.state.pod(record.uid)
    assert pod is not None
    found = controller.state.views.view_of(pod, Node(f"sidecar~10.244.0.2~{pod.name}.shop~cluster.local", "", {}))
    assert found is not None
    return found


@pytest.fixture(autouse=True)
def objects(controller: Controller) -> None:
    controller.write("a.yaml", f"{NAMESPACE}---{WEB}")


def test_a_pod_is_known_until_it_is_deleted(controller: Controller) -> None:
    (record,) = controller.live()
    pod = controller.state.pod(record.uid)
    assert pod is not None
    assert (pod.uid, pod.namespace, pod.name, pod.service_account) == (record.uid, "shop", record.name, "default")
    assert (pod.subject.workload, pod.subject.app, pod.subject.version) == (record.name, "web", "v1")
    controller.state.delete(record.ref)
    assert controller.state.pod(record.uid) is None
    assert controller.state.pod("none") is None


async def test_a_report_of_the_node_reaches_proxies_at_once(controller: Controller) -> None:
    stream = Stream()
    view(controller).attach(stream)
    pushing = asyncio.create_task(controller.state.pushes.run())
    controller.ready()
    await asyncio.sleep(0.05)
    assert stream.heard == [{EDS: {"outbound|80||web.shop.svc.cluster.local"}}]
    controller.ready()
    await asyncio.sleep(0.15)
    assert len(stream.heard) == 1
    pushing.cancel()


def test_streams_of_a_deleted_pod_are_closed_and_its_keys_forgotten_when_it_has_ended(controller: Controller) -> None:
    (record,) = controller.live()
    with (
        patch.object(controller.state.registry, "close_pod") as close,
        patch.object(controller.state._identity.secrets, "forget") as forget,
    ):
        controller.write("b.yaml", ROUTES)
        assert close.call_count == 0
        controller.state.delete(record.ref)
        controller.write("b.yaml", ROUTES.replace("hosts: [web]", "hosts: [web, other]"))
        assert close.call_count == 0, "while clients leave the pod it still calls others"
        controller.state.report([reported(record, ready=False, reason="Removed")])
    close.assert_called_once_with(record.uid)
    forget.assert_called_once_with(record.uid)


def test_streams_of_a_pod_with_other_labels_are_moved(controller: Controller) -> None:
    (record,) = controller.live()
    view(controller)
    with patch.object(controller.state.discovery, "reassign") as reassign:
        controller.state.label(record.ref, {"tier": "front"})
        for _ in controller.state.compute():
            pass
        controller.state.publish()
    reassign.assert_called_once_with(record.uid)


async def test_the_token_of_a_deleted_pod_is_not_good(controller: Controller) -> None:
    (record,) = controller.live()
    found = controller.state.credentials(record.uid)
    assert found is not None
    guard = controller.state._identity.guard
    caller = await guard.review(found.token, "10.244.0.2")
    assert caller.pod.uid == record.uid
    controller.state.delete(record.ref)
    controller.restart()
    with pytest.raises(RefusedError):
        await controller.state._identity.guard.review(found.token, "10.244.0.2")
    assert controller.state.credentials(record.uid) is None


async def test_orders_wait_for_a_change_or_their_time(controller: Controller) -> None:
    first = await controller.state.orders(None, 5)
    assert first is not None
    assert await controller.state.orders(first.revision, 0.01) is None
    waiting = asyncio.create_task(controller.state.orders(first.revision, 5))
    await asyncio.sleep(0)
    controller.write("b.yaml", WEB.replace("name: web,", "name: api,"))
    second = await waiting
    assert second is not None
    assert second.revision > first.revision


async def test_what_changes_soon_after_a_change_is_told_to_the_node_with_it(controller: Controller) -> None:
    first = await controller.state.orders(None, 5)
    assert first is not None
    waiting = asyncio.create_task(controller.state.orders(first.revision, 5))
    await asyncio.sleep(0)
    for name in ("api", "store"):
        controller.write(f"{name}.yaml", WEB.replace("name: web,", f"name: {name},"))
        await asyncio.sleep(0)
    second = await waiting
    assert second is not None
    assert {order.name.partition("-")[0] for order in second.pods} == {"web", "api", "store"}


async def test_a_change_without_consequences_for_the_node_does_not_wake_it(controller: Controller) -> None:
    first = await controller.state.orders(None, 5)
    assert first is not None
    waiting = asyncio.create_task(controller.state.orders(first.revision, 0.1))
    await asyncio.sleep(0)
    controller.write("b.yaml", ROUTES)
    assert await waiting is None


def test_time_alone_takes_a_deleted_pod_out_of_the_orders(controller: Controller) -> None:
    (record,) = controller.live()
    assert not controller.state.unsettled
    controller.state.delete(record.ref)
    assert controller.state.unsettled
    with patch.object(controller.cluster, "_clock", lambda: controller.pods.ending()[0].deleted + 2):
        controller.state.tick()
    assert [order.uid for order in controller.cluster.orders(controller.state._parts.bootstraps, 0).pods] == [
        live.uid for live in controller.live()
    ]


def test_what_was_applied_and_labelled_and_deleted_lasts_over_a_restart(controller: Controller) -> None:
    controller.write("b.yaml", WEB.replace("name: web,", "name: api,"))
    controller.apply("{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: shop}}")
    controller.state.label(DEPLOYMENT, {"team": "a"})
    controller.state.delete(ref("Deployment.apps", "api"))
    controller.restart()
    assert controller.state.manifest(ref("ConfigMap", "a")) is not None
    found = controller.state.manifest(DEPLOYMENT)
    assert found is not None
    assert found["metadata"]["labels"] == {"tier": "front", "team": "a"}
    assert controller.state.manifest(ref("Deployment.apps", "api")) is None
    controller.write("b.yaml", WEB.replace("name: web,", "name: api,").replace("image: web", "image: next"))
    assert controller.state.manifest(ref("Deployment.apps", "api")) is not None


def test_a_file_that_changes_wins_over_what_was_applied(controller: Controller) -> None:
    controller.write(
        "b.yaml", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: shop}, data: {x: file}}"
    )
    controller.apply("{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: shop}, data: {x: command}}")
    (controller.folder / "b.yaml").unlink()
    controller.restart()
    assert controller.state.manifest(ref("ConfigMap", "a")) is None


def test_issues_are_told_worst_first_once_and_with_their_places(controller: Controller) -> None:
    controller.write("b.yaml", ROUTES.replace("host: web", "host: none"))
    controller.write(
        "c.yaml", WEB.replace("name: web,", "name: api,").replace("command: [serve]", "restartPolicy: Never")
    )
    found = controller.state.issues(None)
    assert [located.issue.severity for located in found] == sorted(
        (located.issue.severity for located in found), key=["error", "warning", "info"].index
    )
    assert len(set(found)) == len(found)
    positions = {located.position.file.rpartition("/")[2] for located in found if located.position is not None}
    assert {"b.yaml", "c.yaml"} <= positions
    assert {located.issue.ref for located in controller.state.issues(DEPLOYMENT)} == set()


def test_applying_tells_what_is_wrong_between_objects(controller: Controller) -> None:
    applied = controller.apply(ROUTES.replace("host: web", "host: none"))
    assert applied.result == "created"
    assert [located.issue.code for located in applied.issues] == ["IST0101"]


def test_an_object_that_can_not_be_read_can_be_replaced_and_deleted(controller: Controller) -> None:
    controller.write("b.yaml", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: shop, labels: 5}}")
    target = ref("ConfigMap", "a")
    assert controller.state.label(target, {"x": "y"}).result == "configured"
    assert controller.state.delete(target)
    assert controller.state.manifest(target) is None


def test_pods_that_are_ending_are_not_counted(controller: Controller) -> None:
    controller.ready()
    assert (controller.state.status().pods.wanted, controller.state.status().pods.ready) == (1, 1)
    (record,) = controller.live()
    controller.state.delete(record.ref)
    assert (controller.state.status().pods.wanted, controller.state.status().pods.ready) == (1, 0)
    controller.state.report([reported(record, ready=False, reason="Removed")])
    assert len(controller.pods.records()) == 1


# ---- jobs ------------------------------------------------------------------------------------------------------------
JOB = """
apiVersion: batch/v1
kind: Job
metadata: {name: work, namespace: shop}
spec:
  parallelism: 1
  template:
    spec: {restartPolicy: Never, containers: [{name: app, image: web, command: [work]}]}
"""


def test_a_changed_template_of_a_job_is_refused_and_changes_nothing(controller: Controller) -> None:
    assert controller.apply(JOB).result == "created"
    before = controller.live()
    applied = controller.apply(JOB.replace("[work]", "[other]"))
    assert applied.result == "refused"
    assert [(each.issue.path, each.issue.message) for each in applied.issues] == [
        ("spec.template", "field is immutable")
    ]
    assert controller.live() == before
    assert controller.apply(JOB).result == "unchanged"
    assert controller.apply(JOB.replace("parallelism: 1", "parallelism: 2")).result == "configured"
    assert len(controller.live()) == len(before) + 1


def test_a_job_that_is_over_is_not_waited_for(controller: Controller) -> None:
    controller.apply(JOB)
    controller.ready()
    assert controller.state.status().pods == PodCount(2, 2)
    (made,) = [record for record in controller.live() if record.owner == Ref("Job.batch", "shop", "work")]
    controller.state.report([reported(made, ready=False, phase="Failed")])
    assert controller.state.status().pods == PodCount(1, 1)
