"""A pod as an object of the mesh."""

from tests.unit.sources.local.test_pods import record
from tests.unit.sources.local.world import report

from weft.dialects.kubernetes.injection import INJECTED
from weft.dialects.kubernetes.pod import INTERCEPTION_MODE, PROXY_ADDRESS
from weft.model.kubernetes import PodCondition, PodIp
from weft.model.local import ContainerReport
from weft.sources.local.plans import PodPlan, explained, pod_object

PLAN = PodPlan(record=record("a"), addresses=("10.244.0.5",))


def test_a_pod_that_nobody_has_seen_is_pending() -> None:
    found = pod_object(PLAN, None)
    assert (found.status.phase, found.status.pod_ip, found.status.conditions) == ("Pending", "10.244.0.5", ())
    assert (found.metadata.uid, found.metadata.created, found.metadata.labels) == ("a", 7, {"app": "web"})


def test_a_pod_has_all_its_addresses_the_primary_one_first() -> None:
    found = pod_object(PodPlan(record=record("a"), addresses=("fd00::5", "10.244.0.5")), None).status
    assert (found.pod_ip, found.pod_ips) == ("fd00::5", (PodIp("fd00::5"), PodIp("10.244.0.5")))


def test_what_the_node_says_is_its_status() -> None:
    found = pod_object(PLAN, report(PLAN.record, ready=False, reason="Odd")).status
    assert (found.phase, found.reason) == ("Running", "Odd")
    assert found.conditions == (PodCondition("Ready", "False"),)
    assert pod_object(PLAN, report(PLAN.record)).status.conditions == (PodCondition("Ready", "True"),)


def test_that_a_pod_has_a_proxy_is_told_as_injection_does() -> None:
    assert INJECTED in pod_object(PLAN, None).metadata.annotations
    bare = PodPlan(record=record("a", injected="none"), addresses=("10.244.0.5",))
    assert INJECTED not in pod_object(bare, None).metadata.annotations


def test_only_containers_that_wait_and_are_withheld_are_explained() -> None:
    plan = PodPlan(record=record("a"), addresses=(), withheld={"app": "no map"})
    waits = ContainerReport(name="app", state="waiting", reason="ErrImagePull")
    other = ContainerReport(name="other", state="waiting", reason="ErrImagePull")
    before = report(plan.record, containers=(waits, other))
    app, rest = explained(plan, before).containers
    assert (app.reason, app.message, rest) == ("CreateContainerConfigError", "no map", other)
    assert explained(PLAN, before) is before


def test_a_pod_that_nothing_is_redirected_for_says_so_and_where_its_proxy_is() -> None:
    plan = PodPlan(record=record("a"), addresses=("127.244.0.10",), proxy_address="127.245.0.10")
    marks = pod_object(plan, None).metadata.annotations
    assert (marks[INTERCEPTION_MODE], marks[PROXY_ADDRESS]) == ("NONE", "127.245.0.10")
    gateway = PodPlan(record=record("a", injected="gateway"), addresses=("127.244.0.2",), proxy_address="127.244.0.2")
    for other in (PLAN, gateway):
        assert PROXY_ADDRESS not in pod_object(other, None).metadata.annotations
