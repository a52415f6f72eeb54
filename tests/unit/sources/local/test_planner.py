"""Addresses and variables of pods: found when they can be, kept then, and told where they can't."""

from ipaddress import IPv4Network

from tests.unit.sources.local.world import HOST, World, config_map, deployment, namespace, ref, report

from weft.model import codes
from weft.model.local import ContainerReport
from weft.sources.local.addresses import PodAddresses
from weft.sources.local.plans import explained
from weft.sources.state import MemoryTables

FROM_MAP = "env: [{name: COLOUR, valueFrom: {configMapKeyRef: {name: colours, key: sky}}}]"
GATEWAY = """
apiVersion: v1
kind: Pod
metadata:
  name: way-in
  namespace: shop
  labels: {sidecar.istio.io/inject: "true"}
  annotations: {inject.istio.io/templates: gateway}
spec: {containers: [{name: istio-proxy, image: auto}]}
"""


def colour(world: World) -> str | None:
    return dict(world.order().containers[0].environment).get("COLOUR")


def test_a_container_waits_for_its_config_map_as_under_a_kubelet() -> None:
    world = World()
    world.write(deployment(more=FROM_MAP))
    record, order = world.pod(), world.order()
    assert order.containers[0].command == ()
    plan = world.cluster.plan(record.uid)
    assert plan is not None
    assert plan.withheld == {"app": 'configmap "colours" not found'}
    waiting = ContainerReport(name="app", state="waiting", reason="ErrImagePull")
    said = explained(plan, report(record, ready=False)).containers[0]
    assert (said.state, said.reason) == ("running", "")
    shown = explained(plan, report(record, containers=(waiting,), ready=False)).containers[0]
    assert (shown.reason, shown.message) == ("CreateContainerConfigError", 'configmap "colours" not found')
    (issue,) = world.issues(ref("Deployment", "web"))
    assert (issue.code, issue.severity) == (codes.MISSING_VARIABLE, "error")
    assert issue.path == "spec.template.spec.containers[0].env[0].valueFrom.configMapKeyRef"
    assert (issue.effect, issue.advice) == (
        "a container that needs it is not started",
        "create it, or write `optional: true`",
    )


def test_a_container_starts_once_its_key_is_there_as_the_same_pod() -> None:
    world = World()
    world.write(deployment(more=FROM_MAP))
    before = world.pod()
    world.write(config_map("colours", "{sea: green}"))
    assert world.order().containers[0].command == ()
    world.write(config_map("colours", "{sky: blue}"))
    assert world.pod().uid == before.uid
    assert world.order().containers[0].command == ("serve",)
    assert colour(world) == "blue"
    assert world.issues() == []


def test_a_changed_or_deleted_config_map_changes_no_pod_that_has_its_values() -> None:
    world = World()
    world.write(config_map("colours", "{sky: blue}") + "---" + deployment(more=FROM_MAP))
    before = world.orders()
    world.write(config_map("colours", "{sky: red}"))
    assert world.orders() == before
    world.restart()
    assert world.orders().pods == before.pods
    world.remove(ref("ConfigMap", "colours"))
    world.restart()
    assert world.orders().pods == before.pods


def test_new_pods_get_the_values_of_their_time() -> None:
    world = World()
    world.write(config_map("colours", "{sky: blue}") + "---" + deployment(more=FROM_MAP))
    world.write(config_map("colours", "{sky: red}"))
    world.cluster.end(world.pod())
    assert colour(world) == "red"


def test_what_is_missing_and_optional_is_left_out_and_told() -> None:
    world = World()
    world.write(deployment(more=FROM_MAP.replace("key: sky", "key: sky, optional: true")))
    assert colour(world) is None
    assert world.order().containers[0].command == ("serve",)
    (issue,) = world.issues()
    assert (issue.severity, issue.effect) == ("info", "the variable is left out")


def test_a_secret_is_never_in_an_issue() -> None:
    world = World()
    secret = "{apiVersion: v1, kind: Secret, metadata: {name: keys, namespace: shop}, data: {blob: /wAK}}"
    world.write(secret)
    world.write(deployment(more="env: [{name: A, valueFrom: {secretKeyRef: {name: keys, key: blob}}}]"))
    (issue,) = world.issues(ref("Deployment", "web"))
    assert "no text" in issue.message
    assert "ff" not in issue.message


def test_text_of_a_secret_wins_over_its_bytes() -> None:
    world = World()
    secret = "{apiVersion: v1, kind: Secret, metadata: {name: keys, namespace: shop}, data: {a: eA==, b: eA==}"
    world.write(secret + ", stringData: {a: text}}")
    world.write(deployment(more="envFrom: [{secretRef: {name: keys}}]"))
    found = dict(world.order().containers[0].environment)
    assert (found["a"], found["b"]) == ("text", "x")


def test_variables_are_looked_for_in_the_pods_own_namespace() -> None:
    world = World()
    world.write(config_map("colours", "{sky: blue}", namespace="other"))
    world.write(deployment(more=FROM_MAP))
    assert world.order().containers[0].command == ()


def test_facts_of_the_pod_are_those_of_its_making() -> None:
    world = World()
    world.write(
        deployment(
            more="""
            env:
              - {name: IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
              - {name: NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
              - {name: APP, valueFrom: {fieldRef: {fieldPath: "metadata.labels['app']"}}}
            """
        )
    )
    record, order = world.pod(), world.order()
    found = dict(order.containers[0].environment)
    assert found == {"IP": order.address, "NAME": record.name, "APP": "web", "POD_IP": order.address}
    world.cluster.relabel(record, {**record.marks.labels, "app": "web", "extra": "1"})
    assert world.order() == order


def test_who_must_not_be_root_is_not_started_as_root() -> None:
    world = World()
    world.write(deployment(more="securityContext: {runAsNonRoot: true}"))
    plan = world.cluster.plan(world.pod().uid)
    assert plan is not None
    assert plan.withheld == {"app": "container has runAsNonRoot and image will run as root"}
    (issue,) = world.issues()
    assert (issue.severity, issue.effect) == ("error", "the container is not started")
    assert issue.path == "spec.template.spec.containers[0].securityContext.runAsNonRoot"


def test_a_full_range_of_addresses_is_an_issue_of_the_pod_until_there_is_room() -> None:
    world = World(pods=(IPv4Network("10.0.0.0/29"),))  # .2 to .6
    world.write(deployment(replicas=6))
    assert len(world.orders().pods) == 5
    (issue,) = world.issues()
    assert (issue.code, issue.severity, issue.effect) == (codes.NO_ADDRESS, "error", "the pod does not run")
    world.write(deployment(replicas=5))
    world.settle()
    assert len(world.orders().pods) == 5
    assert world.issues() == []


def test_a_pod_that_waits_for_an_address_gets_one_that_is_freed() -> None:
    world = World(pods=(IPv4Network("10.0.0.0/30"),))  # .2
    world.write(deployment("a"))
    world.write(deployment("b"))
    (first,) = world.orders().pods
    world.remove(ref("Deployment", first.name.partition("-")[0]))
    world.gone()
    (second,) = world.orders().pods
    assert second.uid != first.uid
    assert second.address == first.address
    assert world.issues() == []


def test_gateways_and_pods_of_the_hosts_network_have_the_machines_address() -> None:
    world = World()
    world.write(GATEWAY)
    world.write(deployment().replace("    spec:\n", "    spec:\n      hostNetwork: true\n", 1))
    for order in world.orders().pods:
        assert (order.address, order.host_network) == (HOST, True)


def test_addresses_of_pods_that_went_away_while_nobody_looked_are_free() -> None:
    world = World(pods=(IPv4Network("10.0.0.0/30"),))  # .2
    world.tables.write("pod addresses", {"somebody": b"10.0.0.2"})
    world.restart()
    world.write(namespace() + "---" + deployment())
    assert world.order().address == "10.0.0.2"


def test_proxies_have_addresses_of_their_own_where_there_is_a_range_for_them() -> None:
    addresses = PodAddresses(
        MemoryTables(), (IPv4Network("127.244.0.0/16"),), proxies=IPv4Network("127.245.0.0/16"), reserved=10
    )
    (address,) = addresses.addresses("a")
    assert (address, addresses.proxy(address)) == ("127.244.0.10", "127.245.0.10")
    assert PodAddresses(MemoryTables(), (IPv4Network("10.244.0.0/16"),)).proxy("10.244.0.10") == ""
