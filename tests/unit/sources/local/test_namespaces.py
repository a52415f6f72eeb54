"""Namespaces: declared ones, those that exist because they are used, and their labels."""

from tests.unit.sources.local.world import World, config_map, deployment, namespace, ref

from weft.base.issues import Ref
from weft.sources.local.namespaces import NAME_LABEL


def labels(world: World, name: str) -> dict[str, str] | None:
    found = world.object(Ref("Namespace", "", name))
    return found.metadata.labels if found is not None else None


def test_every_namespace_has_the_label_of_its_name() -> None:
    world = World()
    world.write(namespace("shop", "{team: a}"))
    assert labels(world, "shop") == {"team": "a", NAME_LABEL: "shop"}


def test_the_label_of_the_name_can_not_be_changed() -> None:
    world = World()
    world.write(namespace("shop", f"{{{NAME_LABEL}: other}}"))
    assert labels(world, "shop") == {NAME_LABEL: "shop"}


def test_a_namespace_exists_as_long_as_it_is_used() -> None:
    world = World()
    assert labels(world, "shop") is None
    world.write(config_map("a", "{}") + "---" + config_map("b", "{}"))
    assert labels(world, "shop") == {NAME_LABEL: "shop"}
    world.remove(ref("ConfigMap", "a"))
    assert world.cluster.namespaces.implied() == ["default", "shop"]
    world.remove(ref("ConfigMap", "b"))
    assert labels(world, "shop") is None
    assert world.cluster.namespaces.implied() == ["default"]


def test_a_namespace_is_used_until_its_last_pod_is_gone() -> None:
    world = World()
    world.write(deployment())
    world.remove(ref("Deployment", "web"))
    assert labels(world, "shop") is not None
    world.settle()
    assert labels(world, "shop") is None


def test_a_removed_namespace_that_is_used_lasts_without_its_labels() -> None:
    world = World()
    world.write(namespace("shop", "{team: a}") + "---" + config_map("a", "{}"))
    world.remove(Ref("Namespace", "", "shop"))
    assert labels(world, "shop") == {NAME_LABEL: "shop"}


def test_a_declared_namespace_needs_no_use() -> None:
    world = World()
    world.write(namespace("empty"))
    assert labels(world, "empty") == {NAME_LABEL: "empty"}
    assert world.cluster.namespaces.implied() == ["default"]


def test_labels_of_a_namespace_with_an_error_still_inject() -> None:
    world = World()
    world.write(namespace("shop", "{istio-injection: enabled, wrong: 'no value!'}"))
    world.write(deployment())
    assert world.pod().injected == "sidecar"
