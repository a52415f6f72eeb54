"""Names of new pods: the same for the same files on every machine, and never one that is taken."""

from tests.unit.sources.local.world import World

SHOP = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: app, command: [serve]}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: shop}
spec:
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec: {containers: [{name: app, command: [serve]}]}
"""


def pods(world: World) -> dict[str, tuple[str, ...]]:
    """Addresses of pods by their names."""
    plans = (world.cluster.plan(record.uid) for record in world.live())
    return {plan.record.name: plan.addresses for plan in plans if plan is not None}


def started(text: str = SHOP) -> World:
    world = World()
    world.write(text)
    return world


def test_equal_files_begin_with_equal_pods() -> None:
    first, second = started(), started()
    assert len(pods(first)) == 4
    assert pods(first) == pods(second)
    assert not {each.uid for each in first.live()} & {each.uid for each in second.live()}, "tokens name the uid"


def test_pods_of_other_content_have_other_names() -> None:
    changed = started(SHOP.replace("command: [serve]", "command: [serve, fast]"))
    assert not pods(started()).keys() & pods(changed).keys()


def test_a_pod_that_takes_anothers_place_has_a_name_of_its_own() -> None:
    world = started()
    seen = set(pods(world))
    for _ in range(3):
        world.cluster.end(next(each for each in world.live() if each.name.startswith("web-")))
        world.gone()
        new = pods(world).keys() - seen
        assert len(new) == 1
        seen |= new


def test_a_name_that_a_pod_has_already_is_passed_over() -> None:
    taken = min(name for name in pods(started()) if name.startswith("api-"))
    world = World()
    world.write(
        f"""
        apiVersion: v1
        kind: Pod
        metadata: {{name: {taken}, namespace: shop}}
        spec: {{containers: [{{name: app, command: [serve]}}]}}
        """,
        "/mesh/pod.yaml",
    )
    world.write(SHOP)
    made = [each.name for each in world.live() if each.name.startswith("api-")]
    assert len(made) == len(set(made)) == 2
