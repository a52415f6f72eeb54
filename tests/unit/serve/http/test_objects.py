"""The API for objects: what commands read and change, and what is said to those who ask for nonsense."""

import threading
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tests.unit.apps.controller import NAMESPACE, WEB, Controller, reported
from tests.unit.serve.http.conftest import Ask

from weft.serve.http.answers import MAX_BODY

MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "colours", "namespace": "shop"}}


# ---- kinds -----------------------------------------------------------------------------------------------------------
async def test_kinds_are_told_with_their_names(api: Ask) -> None:
    status, kinds = await api("GET", "/v1/kinds")
    assert status == 200
    assert {
        "kind": "Deployment",
        "key": "Deployment.apps",
        "plural": "deployments",
        "shortNames": ["deploy"],
        "group": "apps",
        "version": "v1",
        "namespaced": True,
    } in kinds


async def test_an_unknown_kind_is_told_with_what_was_meant(api: Ask) -> None:
    status, error = await api("GET", "/v1/objects/deployment-s")
    assert status == 404
    assert "did you mean" in error["error"]
    assert error["hint"]


# ---- reading ---------------------------------------------------------------------------------------------------------
async def test_objects_are_listed_by_any_name_of_their_kind(api: Ask) -> None:
    for word in ("deployments", "deploy", "Deployment", "deployments.apps", "Deployment.apps"):
        status, listing = await api("GET", f"/v1/objects/{word}")
        assert status == 200
        assert listing["kind"] == "Deployment.apps"
        assert [item["metadata"]["name"] for item in listing["items"]] == ["web"]


async def test_fields_that_mean_nothing_here_are_shown_as_written(api: Ask) -> None:
    _, found = await api("GET", "/v1/objects/deployment/web?namespace=shop")
    assert found["spec"]["template"]["spec"]["containers"][0]["resources"] == {"limits": {"cpu": 1}}


async def test_a_listing_keeps_to_its_namespace(api: Ask, controller: Controller) -> None:
    controller.write("other.yaml", WEB.replace("namespace: shop", "namespace: other"))

    async def names(target: str) -> list[str]:
        _, listing = await api("GET", target)
        return [f"{item['metadata']['namespace']}/{item['metadata']['name']}" for item in listing["items"]]

    assert await names("/v1/objects/services") == ["other/web", "shop/web"]
    assert await names("/v1/objects/services?namespace=shop") == ["shop/web"]
    assert await names("/v1/objects/services?namespace=none") == []
    assert [name.partition("/")[0] for name in await names("/v1/objects/pods?namespace=other")] == ["other"]


async def test_what_authors_wrote_is_read_beside_the_event_loop(api: Ask, controller: Controller) -> None:
    threads = set()

    def bodies(*given: Any) -> Any:
        threads.add(threading.get_ident())
        return read(*given)

    read = controller.source.bodies
    with patch.object(controller.source, "bodies", bodies):
        assert len((await api("GET", "/v1/objects/deploy"))[1]["items"]) == 1
    assert threads
    assert threading.get_ident() not in threads


async def test_objects_that_can_not_be_read_are_listed_too(api: Ask, controller: Controller) -> None:
    text = "{apiVersion: v1, kind: ConfigMap, metadata: {name: NAME, namespace: shop, labels: LABELS}}"
    controller.write("a.yaml", text.replace("NAME", "a").replace("LABELS", "[x]"))
    controller.write("b.yaml", text.replace("NAME", "b").replace("LABELS", "{x: 5}"))
    _, listing = await api("GET", "/v1/objects/cm")
    assert [item["metadata"]["name"] for item in listing["items"]] == ["a", "b"]
    _, listing = await api("GET", "/v1/objects/cm?selector=x")
    assert [item["metadata"]["name"] for item in listing["items"]] == ["b"]


async def test_a_selector_chooses_by_labels(api: Ask) -> None:
    async def count(selector: str) -> int:
        _, listing = await api("GET", f"/v1/objects/pods?selector={selector}")
        return len(listing["items"])

    assert await count("app%3Dweb") == 1
    assert await count("app%3Dweb,version!%3Dv1") == 0
    assert await count("app+in+(web,api),!gone") == 1
    status, error = await api("GET", "/v1/objects/pods?selector=app%3D%3D%3Dweb")
    assert status == 400
    assert "is no label selector" in error["error"]


async def test_one_object_is_found_or_not(api: Ask) -> None:
    status, found = await api("GET", "/v1/objects/svc/web?namespace=shop")
    assert (status, found["spec"]["clusterIP"]) == (200, "10.96.1.1")
    status, error = await api("GET", "/v1/objects/svc/web")
    assert (status, error["error"]) == (404, "Service default/web was not found")


async def test_a_pod_shows_its_status(api: Ask, controller: Controller) -> None:
    controller.ready()
    (record,) = controller.live()
    _, found = await api("GET", f"/v1/objects/po/{record.name}?namespace=shop")
    assert found["status"]["phase"] == "Running"
    assert found["status"]["conditions"] == [{"type": "Ready", "status": "True"}]
    assert [each["name"] for each in found["status"]["containerStatuses"]] == ["app", "istio-proxy"]
    assert found["metadata"]["ownerReferences"][0]["name"] == "web"


# ---- changing --------------------------------------------------------------------------------------------------------
async def test_applying_creates_configures_or_leaves_as_it_is(api: Ask) -> None:
    for data, expected in (({"a": "1"}, "created"), ({"a": "1"}, "unchanged"), ({"a": "2"}, "configured")):
        status, applied = await api("POST", "/v1/objects", {**MAP, "data": data})
        assert (status, applied["result"]) == (200, expected)
    _, found = await api("GET", "/v1/objects/cm/colours?namespace=shop")
    assert found["data"] == {"a": "2"}
    assert found["metadata"]["creationTimestamp"]


async def test_a_bad_object_is_refused_and_changes_nothing(api: Ask) -> None:
    status, applied = await api("POST", "/v1/objects", {**MAP, "data": {"a": 5}})
    assert (status, applied["result"]) == (200, "refused")
    (located,) = applied["issues"]
    assert located["issue"]["path"] == "data.a"
    assert (await api("GET", "/v1/objects/cm/colours?namespace=shop"))[0] == 404


async def test_a_warning_is_told_once(api: Ask) -> None:
    _, applied = await api("POST", "/v1/objects", {**MAP, "imutable": True})
    assert [located["issue"]["path"] for located in applied["issues"]] == ["imutable"]


async def test_a_deployments_pod_can_not_be_applied(api: Ask, controller: Controller) -> None:
    (record,) = controller.live()
    _, found = await api("GET", f"/v1/objects/po/{record.name}?namespace=shop")
    _, applied = await api("POST", "/v1/objects", found)
    assert applied["result"] == "refused"
    assert applied["issues"][0]["issue"]["message"] == "the pod comes from Deployment shop/web"


async def test_labels_are_set_and_removed(api: Ask) -> None:
    target = "/v1/objects/deploy/web?namespace=shop"
    _, applied = await api("PATCH", target, {"labels": {"team": "a", "tier": None}})
    assert applied["result"] == "configured"
    _, found = await api("GET", target)
    assert found["metadata"]["labels"] == {"team": "a"}
    _, applied = await api("PATCH", target, {"labels": {"team": "a", "gone": None}})
    assert applied["result"] == "unchanged"


async def test_a_label_that_is_none_is_refused(api: Ask) -> None:
    _, applied = await api("PATCH", "/v1/objects/deploy/web?namespace=shop", {"labels": {"a b": "c d"}})
    assert applied["result"] == "refused"
    assert len(applied["issues"]) == 2


async def test_a_deployments_pod_is_labelled_in_place(api: Ask, controller: Controller) -> None:
    (record,) = controller.live()
    target = f"/v1/objects/po/{record.name}?namespace=shop"
    _, applied = await api("PATCH", target, {"labels": {"team": "a"}})
    assert applied["result"] == "configured"
    assert (await api("PATCH", target, {"labels": {"team": "a"}}))[1]["result"] == "unchanged"
    assert (await api("PATCH", target, {"labels": {"team": "?"}}))[1]["result"] == "refused"
    _, found = await api("GET", target)
    assert found["metadata"]["labels"]["team"] == "a"
    assert found["metadata"]["uid"] == record.uid


async def test_a_namespace_that_nobody_declares_can_be_labelled(api: Ask) -> None:
    _, before = await api("GET", "/v1/objects/ns/default")
    assert before["metadata"]["labels"] == {"kubernetes.io/metadata.name": "default"}
    await api("PATCH", "/v1/objects/ns/default", {"labels": {"istio-injection": "enabled"}})
    _, listing = await api("GET", "/v1/objects/ns?selector=istio-injection%3Denabled")
    assert [item["metadata"]["name"] for item in listing["items"]] == ["default", "shop"]


async def test_what_is_not_there_can_not_be_labelled(api: Ask) -> None:
    status, error = await api("PATCH", "/v1/objects/deploy/none", {"labels": {}})
    assert (status, error["error"]) == (404, "Deployment default/none was not found")


async def test_an_object_is_deleted(api: Ask, controller: Controller) -> None:
    status, deleted = await api("DELETE", "/v1/objects/deploy/web?namespace=shop")
    assert (status, deleted) == (200, {"ref": {"kind": "Deployment.apps", "namespace": "shop", "name": "web"}})
    assert controller.live() == []
    assert (await api("DELETE", "/v1/objects/deploy/web?namespace=shop"))[0] == 404


async def test_a_deleted_pod_of_a_deployment_is_replaced(api: Ask, controller: Controller) -> None:
    (record,) = controller.live()
    target = f"/v1/objects/po/{record.name}?namespace=shop"
    assert (await api("DELETE", target))[0] == 200
    (other,) = controller.live()
    assert other.uid != record.uid
    _, found = await api("GET", target)
    assert found["metadata"]["deletionTimestamp"]
    assert (await api("DELETE", target))[0] == 404
    controller.state.report([reported(record, ready=False, reason="Removed")])
    assert (await api("GET", target))[0] == 404


async def test_a_namespace_that_nobody_declares_can_not_be_deleted(api: Ask) -> None:
    status, error = await api("DELETE", "/v1/objects/ns/default")
    assert status == 409
    assert error["error"].startswith("nobody declares Namespace default")


# ---- issues and events -----------------------------------------------------------------------------------------------
async def test_issues_are_told_of_all_or_of_one_object(api: Ask, controller: Controller, tmp_path: Path) -> None:
    controller.write(
        "more.yaml", WEB.replace("name: web,", "name: api,").replace("command: [serve]", "lifecycle: {preStop: {}}")
    )
    controller.write("broken.yaml", "kind: [")
    _, everything = await api("GET", "/v1/issues")
    assert [each["issue"]["severity"] for each in everything] == ["error", "warning"]
    _, some = await api("GET", "/v1/issues?kind=deploy&namespace=shop&name=api")
    assert {each["issue"]["path"] for each in some} == {"spec.template.spec.containers[0].lifecycle.preStop"}
    assert some[0]["position"]["file"] == str(tmp_path / "mesh" / "more.yaml")
    assert (await api("GET", "/v1/issues?kind=none&name=api"))[0] == 404


async def test_events_are_told_by_namespace(api: Ask, controller: Controller) -> None:
    controller.ready()
    _, events = await api("GET", "/v1/events?namespace=shop")
    assert {event["message"] for event in events} == {"Started container app", "Started container istio-proxy"}
    assert (await api("GET", "/v1/events?namespace=other"))[1] == []


# ---- bounds ----------------------------------------------------------------------------------------------------------
async def test_what_is_no_json_is_told(api: Ask) -> None:
    for body in (b"{", b"[]", b'"x"', b"\xff", b"[" * 100_000):
        status, error = await api("POST", "/v1/objects", body)
        assert status == 400
        assert error["error"].startswith("the request's JSON is not as expected")


async def test_a_field_that_does_not_exist_is_told(api: Ask) -> None:
    status, error = await api("PATCH", "/v1/objects/deploy/web?namespace=shop", {"label": {}})
    assert status == 400
    assert "label" in error["error"]


async def test_a_request_that_is_too_long_is_not_read(api: Ask) -> None:
    status, error = await api("POST", "/v1/objects", b" " * (MAX_BODY + 1))
    assert status == 413
    assert "16 MiB" in error["error"]


async def test_an_object_that_is_nested_too_deep_is_refused(api: Ask) -> None:
    body = b'{"apiVersion": "v1", "kind": "ConfigMap", "metadata": ' + b'{"a":' * 200 + b"1" + b"}" * 201
    status, applied = await api("POST", "/v1/objects", body)
    assert (status, applied["result"]) == (200, "refused")


async def test_what_the_api_does_not_have_is_told(api: Ask) -> None:
    for method, target in (("GET", "/v2/objects"), ("PUT", "/v1/objects"), ("DELETE", "/v1/kinds")):
        status, error = await api(method, target)
        assert (status, error["error"]) == (404, f"the API has no {method} {target}")


async def test_names_in_a_path_are_only_names(api: Ask) -> None:
    status, error = await api("GET", "/v1/objects/cm/..%2F..%2Fetc%2Fpasswd?namespace=%3Cb%3E")
    assert status == 404
    assert "was not found" in error["error"] or "the API has no" in error["error"]


async def test_the_declared_namespace_is_listed_once(api: Ask) -> None:
    assert "istio-injection" in NAMESPACE
    _, listing = await api("GET", "/v1/objects/ns")
    assert [item["metadata"]["name"] for item in listing["items"]] == ["default", "shop"]
