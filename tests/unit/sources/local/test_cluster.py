"""The small cluster as users of kubectl know a large one: what changes pods, and what does not."""

import random
from unittest.mock import patch

import pytest
from tests.unit.sources.local.world import (
    World,
    config_map,
    deployment,
    namespace,
    pod,
    ref,
    report,
    service,
    standalone,
)

from weft.base.issues import Ref
from weft.model.local import ContainerReport
from weft.sources.changes import Changes
from weft.sources.local.cluster import REMOVAL
from weft.sources.local.planner import Planner
from weft.sources.local.pod_orders import pod_order
from weft.sources.local.workloads import Workloads

WEB = ref("Deployment", "web")
MESHED = "{istio-injection: enabled}"


@pytest.fixture
def world() -> World:
    return World()


def uids(world: World, owner: str = "") -> list[str]:
    return sorted(record.uid for record in world.live(owner))


# ---- what changes pods -----------------------------------------------------------------------------------------------
def test_a_deployment_makes_its_pods_and_replaces_one_that_is_deleted(world: World) -> None:
    world.write(deployment(replicas=2))
    first, second = world.live()
    assert first.name.startswith(f"web-{first.template}-")
    assert first.marks.labels == {"app": "web", "pod-template-hash": first.template}
    world.cluster.end(first)
    assert second in world.live()
    assert len(world.live()) == 2
    assert first.uid not in uids(world)


def test_another_template_replaces_pods_one_after_the_other(world: World) -> None:
    world.write(deployment(replicas=2))
    world.ready()
    before = uids(world)
    world.write(deployment(replicas=2, image="v2"))
    assert set(before) < set(uids(world))
    assert len(uids(world)) == 3
    world.settle()
    assert len(uids(world)) == 2
    assert set(uids(world)).isdisjoint(before)


def test_the_template_of_one_deployment_is_nothing_to_others(world: World) -> None:
    world.write(deployment("web") + "---" + deployment("api"))
    before = uids(world, "api")
    world.write(deployment("web", image="v2"))
    world.settle()
    assert uids(world, "api") == before


def test_another_default_for_proxies_holds_for_pods_that_are_made_from_then_on(world: World) -> None:
    mesh = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\ndata: {mesh: '%s'}\n"
    world.write(namespace("shop", MESHED) + "---" + deployment(replicas=1))
    world.write(mesh % "defaultConfig: {concurrency: 4}", "/mesh/mesh.yaml")
    world.write(namespace("shop", MESHED) + "---" + deployment(replicas=2))
    threads = [order.proxy.concurrency for order in world.orders().pods if order.proxy is not None]
    assert sorted(threads) == [1, 4]


def test_more_replicas_keep_those_that_there_are(world: World) -> None:
    world.write(deployment(replicas=1))
    before = uids(world)
    world.write(deployment(replicas=3))
    assert set(before) < set(uids(world))
    world.write(deployment(replicas=0))
    assert uids(world) == []


def test_labels_of_a_deployment_itself_change_no_pod(world: World) -> None:
    world.write(deployment())
    before = world.live()
    world.write(deployment().replace("namespace: shop}", "namespace: shop, labels: {a: b}, annotations: {c: d}}", 1))
    assert world.live() == before


def test_a_deleted_deployment_takes_its_pods_along(world: World) -> None:
    world.write(deployment("web") + "---" + deployment("api"))
    world.delete(WEB)
    assert {record.owner for record in world.live()} == {ref("Deployment", "api")}


def test_a_deployment_that_can_not_be_read_keeps_its_pods(world: World) -> None:
    world.write(deployment())
    before = world.live()
    world.write(deployment().replace("replicas: 1", "replicas: two"))
    assert world.live() == before
    world.restart()
    assert world.live() == before


def test_recreate_makes_new_pods_when_the_old_ones_are_gone(world: World) -> None:
    def text(image: str) -> str:
        return deployment(image=image).replace("  replicas: 1", "  replicas: 1\n  strategy: {type: Recreate}")

    world.write(text("v1"))
    world.ready()
    world.write(text("v2"))
    assert world.live() == []
    world.gone()
    assert world.pod().content.spec.containers[0].image == "v2"


def test_an_update_that_corrects_a_broken_one_goes_through(world: World) -> None:
    world.write(deployment(image="good"))
    world.ready()
    world.write(deployment(image="broken"))
    world.write(deployment(image="better"))
    world.ready(*(record for record in world.live() if record.content.spec.containers[0].image == "better"))
    assert world.pod().content.spec.containers[0].image == "better"


# ---- what does not ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("before", ["{}", MESHED])
def test_labels_of_a_namespace_count_for_new_pods_only(world: World, before: str) -> None:
    after = "{}" if before == MESHED else MESHED
    world.write(namespace("shop", before) + "---" + deployment())
    orders = world.orders()
    world.write(namespace("shop", after))
    assert world.orders() == orders
    world.restart()
    assert world.orders().pods == orders.pods
    world.cluster.end(world.pod())
    assert world.pod().injected == ("sidecar" if after == MESHED else "none")


def test_a_deleted_namespace_takes_nothing_along(world: World) -> None:
    world.write(namespace("shop", MESHED) + "---" + deployment() + "---" + service())
    orders = world.orders()
    world.delete(Ref("Namespace", "", "shop"))
    assert world.orders() == orders


def test_deleted_services_and_accounts_and_maps_change_no_pod(world: World) -> None:
    world.write(
        deployment(more="envFrom: [{configMapRef: {name: a}}]") + "---" + service() + "---" + config_map("a", "{}")
    )
    pods = world.orders().pods
    world.remove(ref("Service", "web"), ref("ConfigMap", "a"))
    assert world.orders().pods == pods


def test_an_object_that_moves_to_another_file_is_the_same(world: World) -> None:
    world.write(deployment(), "/mesh/a.yaml")
    before = world.live()
    world.write(deployment(), "/mesh/b.yaml")
    assert world.live() == before


# ---- pods of their own -----------------------------------------------------------------------------------------------
def test_a_pod_in_a_file_is_made_and_ended_with_it(world: World) -> None:
    world.write(pod())
    assert world.pod().name == "tool"
    world.remove(ref("Pod", "tool"))
    assert world.live() == []


def test_a_pod_that_was_deleted_by_command_stays_away(world: World) -> None:
    world.write(pod())
    world.delete(ref("Pod", "tool"))
    world.gone()
    world.restart()
    assert world.live() == []


def test_another_spec_makes_another_pod_once_the_former_one_is_gone(world: World) -> None:
    world.write(pod())
    before = world.pod()
    world.write(pod(image="v2"))
    assert world.live() == []
    world.gone()
    assert world.pod().name == "tool"
    assert world.pod().uid != before.uid


def test_other_labels_of_a_pod_are_only_written_on_it(world: World) -> None:
    world.write(pod())
    before, orders = world.pod(), world.orders()
    world.write(pod(labels="{app: web}"))
    assert world.pod().uid == before.uid
    assert world.object(ref("Pod", "tool")).metadata.labels == {"app": "web"}
    assert world.orders() == orders


# ---- labels of a Deployment's pods -----------------------------------------------------------------------------------
def test_a_label_is_written_on_a_deployments_pod_without_restarting_it(world: World) -> None:
    world.write(deployment())
    record, orders = world.pod(), world.orders()
    world.cluster.relabel(record, record.marks.labels | {"team": "a"})
    assert world.object(record.ref).metadata.labels["team"] == "a"
    assert world.orders() == orders
    world.restart()
    assert world.pod().marks.labels["team"] == "a"


def test_a_pod_that_its_deployment_does_not_select_any_more_is_its_own(world: World) -> None:
    world.write(deployment())
    record = world.pod()
    world.cluster.relabel(record, {"app": "patient"})
    kept, new = sorted(world.live(), key=lambda each: each.uid != record.uid)
    assert (kept.uid, kept.owner) == (record.uid, None)
    assert new.owner == WEB
    world.restart()
    world.remove(WEB)
    assert uids(world) == [record.uid]
    world.cluster.end(kept)
    assert world.live() == []


# ---- endpoints and reports -------------------------------------------------------------------------------------------
def test_a_pod_is_an_object_of_the_mesh_until_it_is_deleted(world: World) -> None:
    world.write(deployment())
    record = world.pod()
    assert world.object(record.ref).status.phase == "Pending"
    world.ready()
    assert world.object(record.ref).status.phase == "Running"
    world.cluster.end(record)
    assert world.object(record.ref) is None


def test_only_news_count_as_such(world: World) -> None:
    world.write(deployment())
    said = report(world.pod())
    assert world.cluster.report([said])
    assert not world.cluster.report([said])


def test_reports_become_events(world: World) -> None:
    world.write(deployment(more="envFrom: [{configMapRef: {name: none}}]"))
    waiting = ContainerReport(name="app", state="waiting", reason="ErrImagePull")
    world.cluster.report([report(world.pod(), ready=False, containers=(waiting,))])
    (event,) = world.cluster.events.events()
    assert (event.ref, event.kind, event.reason) == (world.pod().ref, "Warning", "CreateContainerConfigError")
    assert event.message == 'app: configmap "none" not found'


def test_a_deleted_pod_is_forgotten_when_the_node_says_so_or_after_a_while(world: World) -> None:
    world.write(deployment(replicas=2))
    first, second = world.live()
    world.write(deployment(replicas=0))
    assert world.cluster.unsettled
    world.cluster.report([report(first, ready=False, reason="Removed")])
    assert [record.uid for record in world.pods.records()] == [second.uid]
    world.clock.now += REMOVAL + 1
    world.cluster.refresh(())
    assert world.pods.records() == []
    assert not world.cluster.unsettled


def test_who_has_gone_is_told_once_and_only_after_its_end(world: World) -> None:
    world.write(deployment())
    record = world.pod()
    world.cluster.end(record)
    assert world.cluster.take_gone() == set()
    world.cluster.report([report(record, ready=False, reason="Removed")])
    assert world.cluster.take_gone() == {record.uid}
    assert world.cluster.take_gone() == set()


# ---- costs -----------------------------------------------------------------------------------------------------------
def test_a_change_looks_only_at_what_it_concerns(world: World) -> None:
    for name in ("web", "api", "store"):
        world.write(deployment(name))
    with (
        patch.object(Workloads, "reconcile", autospec=True, side_effect=Workloads.reconcile) as reconcile,
        patch.object(Planner, "plan", autospec=True, side_effect=Planner.plan) as plan,
    ):
        world.write(service("web") + "---" + config_map("a", "{}"))
        assert (reconcile.call_count, plan.call_count) == (0, 0)
        world.ready(world.pod("web"))
        assert [call.args[1].metadata.name for call in reconcile.call_args_list] == ["web"]
        assert [call.args[1].name for call in plan.call_args_list] == [world.pod("web").name]


def test_an_order_is_made_only_for_a_pod_that_changed(world: World) -> None:
    world.write(deployment("web") + "---" + deployment("api"))
    before = {order.uid: order for order in world.orders().pods}
    world.write(deployment("store"))
    world.ready()
    with patch("weft.sources.local.orders.pod_order", side_effect=pod_order) as made:
        after = {order.uid: order for order in world.orders().pods}
        assert made.call_count == 1
    assert all(after[uid] is order for uid, order in before.items())


# ---- another controller ----------------------------------------------------------------------------------------------
def test_another_controller_goes_on_with_the_same_pods(world: World) -> None:
    world.write(namespace("shop", MESHED) + "---" + standalone("{web: a}") + "---" + deployment(replicas=2))
    world.ready()
    before, pods = world.orders(), world.live()
    world.restart()
    assert world.live() == pods
    assert world.orders().pods == before.pods
    assert all(world.pods.is_ready(record.uid) for record in pods)


def test_pods_of_what_went_away_while_nobody_looked_are_ended(world: World) -> None:
    world.write(deployment("web") + "---" + deployment("api"))
    world.folder.remove(WEB)
    world.restart()
    assert {record.owner for record in world.live()} == {ref("Deployment", "api")}


def test_nothing_is_ended_while_a_part_of_the_folder_can_not_be_seen(world: World) -> None:
    world.write(deployment() + "---" + service())
    world.ready()
    before = world.orders()
    world.restart(look=False)
    world.take(Changes({}, frozenset(), complete=False))
    assert world.orders().pods == before.pods
    world.cluster.report([report(world.pod(), ready=False)])
    assert world.orders().pods == before.pods
    world.take(world.folder.everything())
    assert world.orders().pods == before.pods
    assert world.object(ref("Service", "web")).spec.cluster_ip == before.services[0].address


def test_what_was_applied_is_in_force_again(world: World) -> None:
    world.apply(deployment())
    before = world.live()
    world.restart()
    assert world.live() == before
    assert world.object(WEB) is not None


# ---- all of it -------------------------------------------------------------------------------------------------------
def test_any_story_ends_with_what_was_asked_for_last() -> None:
    for seed in range(12):
        _story(random.Random(seed))


def _story(chance: random.Random) -> None:
    world = World()
    replicas = {"web": 0, "api": 0}
    for _ in range(25):
        name = chance.choice(sorted(replicas))
        action = chance.randrange(5)
        if action == 0:
            replicas[name] = chance.randrange(5)
        if action <= 1:
            image = chance.choice(["v1", "v2", "v3"])
            world.write(deployment(name, replicas=replicas[name], image=image))
        elif action == 2 and world.live():
            world.cluster.end(chance.choice(world.live()))
        elif action == 3:
            world.cluster.report([report(r, ready=chance.random() < 0.7) for r in world.live()])
        else:
            world.restart()
        for owner, wanted in replicas.items():
            assert len(world.live(owner)) <= wanted + -(-wanted // 4)
    world.settle()
    for owner, wanted in replicas.items():
        written = world.store.value(ref("Deployment", owner))
        assert len(world.live(owner)) == (wanted if written is not None else 0)
    assert len({order.address for order in world.orders().pods}) == len(world.orders().pods)
