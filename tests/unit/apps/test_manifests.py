"""Objects as people see them: their author's words, and what the mesh adds."""

from typing import Any

import pytest
from tests.unit.apps.controller import NAMESPACE, WEB, Controller, ref, reported

from weft.apps.manifests import Manifests
from weft.apps.pipeline import all_kinds
from weft.apps.pod_manifests import pod_status
from weft.apps.timestamps import timestamp
from weft.base.issues import Ref
from weft.model.local import ContainerEnd, ContainerReport, PodReport

DEPLOYMENT = Ref("Deployment.apps", "shop", "web")


WORK = Ref("Job.batch", "shop", "work")
JOB = """
apiVersion: batch/v1
kind: Job
metadata: {name: work, namespace: shop}
spec:
  completions: 2
  parallelism: 2
  completionMode: Indexed
  template:
    spec: {restartPolicy: Never, containers: [{name: app, image: web, command: [work]}]}
"""


@pytest.fixture
def manifests(controller: Controller) -> Manifests:
    controller.write("a.yaml", f"{NAMESPACE}---{WEB}")
    return Manifests(controller.cluster, all_kinds())


def one(manifests: Manifests, wanted: Ref) -> dict[str, Any]:
    found = manifests.one(wanted)
    assert found is not None
    return found


def pod(controller: Controller, manifests: Manifests) -> dict[str, Any]:
    (record,) = controller.live()
    return one(manifests, record.ref)


def test_an_object_is_its_authors_words_with_its_namespace_and_time(manifests: Manifests) -> None:
    found = one(manifests, DEPLOYMENT)
    assert (found["apiVersion"], found["kind"]) == ("apps/v1", "Deployment")
    assert found["metadata"]["namespace"] == "shop"
    assert found["metadata"]["labels"] == {"tier": "front"}
    assert found["metadata"]["creationTimestamp"].endswith("Z")
    assert found["spec"]["template"]["spec"]["containers"][0]["resources"] == {"limits": {"cpu": 1}}
    assert manifests.one(ref("ConfigMap", "none")) is None


def test_one_and_all_say_the_same(controller: Controller, manifests: Manifests) -> None:
    controller.write("b.yaml", WEB.replace("name: web,", "name: api,"))
    for kind in ("Deployment.apps", "Service", "Namespace", "Pod"):
        found = list(manifests.all(kind, None))
        assert found == [
            one(manifests, Ref(kind, m["metadata"].get("namespace", ""), m["metadata"]["name"])) for m in found
        ]
        assert [m["metadata"]["name"] for m in found] == sorted(m["metadata"]["name"] for m in found)


def test_a_listing_is_of_the_time_when_it_was_asked_for(controller: Controller, manifests: Manifests) -> None:
    pods = manifests.all("Pod", None)
    controller.ready()
    assert [m["status"]["phase"] for m in pods] == ["Pending"]


def test_an_item_of_a_list_says_what_it_is(controller: Controller, manifests: Manifests) -> None:
    controller.write(
        "list.yaml",
        "{apiVersion: v1, kind: ConfigMapList, items: [{metadata: {name: a, namespace: shop}, data: {b: c}}]}",
    )
    found = one(manifests, ref("ConfigMap", "a"))
    assert (found["apiVersion"], found["kind"], found["data"]) == ("v1", "ConfigMap", {"b": "c"})


def test_a_service_shows_its_address(controller: Controller, manifests: Manifests) -> None:
    assert one(manifests, ref("Service", "web"))["spec"]["clusterIP"] == "10.96.1.1"
    controller.write(
        "b.yaml",
        WEB.replace("name: web,", "name: bad,").replace("selector: {app: web}\n  ports", "clusterIP: x\n  ports"),
    )
    assert one(manifests, ref("Service", "bad"))["spec"]["clusterIP"] == "x"


def test_a_namespace_shows_the_label_of_its_name(manifests: Manifests) -> None:
    assert one(manifests, ref("Namespace", "shop", ""))["metadata"]["labels"] == {
        "istio-injection": "enabled",
        "kubernetes.io/metadata.name": "shop",
    }
    assert [m["metadata"]["name"] for m in manifests.all("Namespace", None)] == ["default", "shop"]


def test_a_deployment_shows_how_far_it_is(controller: Controller, manifests: Manifests) -> None:
    two = WEB.replace("replicas: 1", "replicas: 2")
    controller.write("a.yaml", two)
    controller.ready()
    done = {"replicas": 2, "readyReplicas": 2, "availableReplicas": 2, "updatedReplicas": 2, "unavailableReplicas": 0}
    assert one(manifests, DEPLOYMENT)["status"] == done
    controller.write("a.yaml", two.replace("image: web", "image: next"))
    assert one(manifests, DEPLOYMENT)["status"] == {**done, "replicas": 3, "updatedReplicas": 1}


def test_a_deployment_that_can_not_be_read_has_no_status(controller: Controller, manifests: Manifests) -> None:
    controller.write(
        "a.yaml",
        WEB.replace(
            "metadata: {name: web, namespace: shop, labels: {tier: front}}",
            "metadata: {name: web, namespace: shop, labels: none}",
        ),
    )
    found = one(manifests, DEPLOYMENT)
    assert "status" not in found
    assert found["metadata"]["labels"] == "none"


def test_a_pod_shows_the_spec_that_it_was_made_from(controller: Controller, manifests: Manifests) -> None:
    controller.ready()
    before = pod(controller, manifests)
    (record,) = controller.live()
    controller.write("a.yaml", f"{NAMESPACE}---{WEB.replace('image: web', 'image: next')}")
    assert one(manifests, record.ref)["spec"] == before["spec"]
    assert before["spec"]["containers"][0] == {
        "name": "app",
        "image": "web",
        "command": ["serve"],
        "resources": {"limits": {"cpu": 1}},
    }
    assert "sidecar.istio.io/status" in before["metadata"]["annotations"]


def test_a_pod_that_is_ending_keeps_its_address(controller: Controller, manifests: Manifests) -> None:
    (record,) = controller.live()
    controller.state.delete(record.ref)
    found = one(manifests, record.ref)
    assert found["metadata"]["deletionTimestamp"]
    assert found["status"]["podIP"] == "10.244.0.10"


def test_a_container_that_waits_for_its_configuration_says_so(controller: Controller, manifests: Manifests) -> None:
    controller.remove("a.yaml")
    controller.write("a.yaml", WEB.replace("command: [serve]", "envFrom: [{secretRef: {name: none}}]"))
    (record,) = controller.live()
    waits = ContainerReport(name="app", state="waiting", reason="ErrImagePull")
    controller.state.report([reported(record, ready=False, containers=(waits,))])
    (status,) = pod(controller, manifests)["status"]["containerStatuses"]
    assert status["state"] == {
        "waiting": {"reason": "CreateContainerConfigError", "message": 'secret "none" not found'}
    }


def test_every_state_of_a_container_is_told_as_kubernetes_does() -> None:
    last = ContainerEnd("Error", "", 2, 60, 90)
    ended = {
        "reason": "Error",
        "message": "",
        "exitCode": 2,
        "startedAt": "1970-01-01T00:01:00Z",
        "finishedAt": "1970-01-01T00:01:30Z",
    }
    units = (
        ContainerReport(name="a", state="running", ready=True, pid=5, started=60),
        ContainerReport(name="b", state="terminated", reason="Error", exit_code=2, restarts=3, started=60, finished=90),
        ContainerReport(name="c", state="waiting", reason="CrashLoopBackOff", message="later", last=last),
    )
    report = PodReport(uid="u", phase="Running", ready=False, containers=units, proxy=units[0], started=0)
    found = pod_status(report, ("10.244.0.2",), injected=True)
    assert found["conditions"] == [{"type": "Ready", "status": "False"}]
    assert [status["state"] for status in found["containerStatuses"]] == [
        {"running": {"startedAt": "1970-01-01T00:01:00Z", "pid": 5}},
        {"terminated": ended},
        {"waiting": {"reason": "CrashLoopBackOff", "message": "later"}},
        {"running": {"startedAt": "1970-01-01T00:01:00Z", "pid": 5}},
    ]
    assert [status["lastState"] for status in found["containerStatuses"]] == [{}, {}, {"terminated": ended}, {}]
    assert [status["restartCount"] for status in found["containerStatuses"]] == [0, 3, 0, 0]
    assert len(pod_status(report, "", injected=False)["containerStatuses"]) == 3


def test_a_pod_names_the_machine_that_runs_it(controller: Controller) -> None:
    controller.write("a.yaml", f"{NAMESPACE}---{WEB}")
    named = Manifests(controller.cluster, all_kinds(), "machine")
    assert pod(controller, named)["spec"]["nodeName"] == "machine"


def test_a_job_shows_how_far_it_is_and_its_pods_name_it(controller: Controller, manifests: Manifests) -> None:
    controller.write("job.yaml", JOB)
    controller.ready()
    status = one(manifests, WORK)["status"]
    assert (status["active"], status["ready"], status["succeeded"], status["failed"]) == (2, 2, 0, 0)
    assert status["conditions"] == []
    made = [record for record in controller.live() if record.owner == WORK]
    assert one(manifests, made[0].ref)["metadata"]["ownerReferences"] == [
        {"apiVersion": "batch/v1", "kind": "Job", "name": "work"}
    ]
    controller.state.report([reported(record, ready=False, phase="Succeeded") for record in made])
    status = one(manifests, WORK)["status"]
    assert (status["active"], status["succeeded"], status["completedIndexes"]) == (0, 2, "0-1")
    assert [each["type"] for each in status["conditions"]] == ["Complete"]
    assert status["completionTime"] >= status["startTime"]


def test_times_are_written_as_in_rfc_3339() -> None:
    assert timestamp(1_700_000_000.9) == "2023-11-14T22:13:20Z"


def test_a_service_shows_its_families_and_a_pod_all_its_addresses(controller: Controller, manifests: Manifests) -> None:
    spec = one(manifests, ref("Service", "web"))["spec"]
    assert (spec["clusterIPs"], spec["ipFamilies"], spec["ipFamilyPolicy"]) == (["10.96.1.1"], ["IPv4"], "SingleStack")
    (record,) = controller.live()
    assert one(manifests, record.ref)["status"]["podIPs"] == [{"ip": "10.244.0.10"}]
