"""What `kubectl get -o yaml` wrote counts as it is, and is not made again."""

from collections.abc import Iterable
from typing import Any

from weft.apps.pipeline import all_kinds
from weft.base.issues import Ref
from weft.model.decode import Decoder
from weft.sources.changes import Changes
from weft.sources.dump import Dump, take_apart

Body = dict[str, Any]
DECODER = Decoder(all_kinds())


def taken(*bodies: Body) -> Dump:
    values = [(DECODER.decode(body).value, body) for body in bodies]
    written = {value.ref: body for value, body in values if value is not None}

    def asked(refs: Iterable[Ref]) -> dict[Ref, Body]:
        return {ref: written[ref] for ref in refs}

    return take_apart(Changes({value.ref: value for value, _ in values if value is not None}, frozenset()), asked)


def left(dump: Dump) -> list[str]:
    return sorted(f"{ref.kind.partition('.')[0]} {ref.name}" for ref in dump.rest.upserts)


def pod(name: str, *owners: tuple[str, str], status: Body | None = None, labels: Body | None = None) -> Body:
    references = [{"apiVersion": "v1", "kind": kind, "name": owner} for kind, owner in owners]
    metadata = {"name": name, "namespace": "shop", "labels": labels or {}, "ownerReferences": references}
    spec = {"containers": [{"name": "app"}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": status or {}}


def deployment(name: str, namespace: str = "shop") -> Body:
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "app"}]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"selector": {"matchLabels": {"app": name}}, "template": template},
    }


HASHED = {"pod-template-hash": "5f4d"}
RUNNING = {"podIP": "10.1.1.1"}


def test_a_pod_with_an_address_counts_as_it_is_and_one_without_is_made() -> None:
    found = taken(pod("made", status=RUNNING), pod("written"))
    assert [each.metadata.name for each in found.pods] == ["made"]
    assert left(found) == ["Pod written"]


def test_a_pod_that_waits_for_its_address_in_the_cluster_is_not_made_either() -> None:
    waiting = pod("waiting")
    waiting["metadata"]["uid"] = "5d1c"
    assert [each.metadata.name for each in taken(waiting).pods] == ["waiting"]


def test_a_deployment_whose_replica_set_has_pods_is_not_expanded_again() -> None:
    owned = pod("web-5f4d-abcde", ("ReplicaSet", "web-5f4d"), status=RUNNING, labels=HASHED)
    assert left(taken(owned, deployment("web"), deployment("api"))) == ["Deployment api"]


def test_pods_of_a_running_mesh_name_their_deployment_itself() -> None:
    assert left(taken(pod("web-1", ("Deployment", "web"), status=RUNNING), deployment("web"))) == []


def test_a_pod_whose_status_was_removed_keeps_its_deployment_from_making_it() -> None:
    neat = pod("web-5f4d-abcde", ("ReplicaSet", "web-5f4d"), labels=HASHED)
    found = taken(neat, deployment("web"))
    assert found.pods == ()
    assert left(found) == ["Pod web-5f4d-abcde"]


def test_without_references_the_selector_tells_the_owner() -> None:
    found = taken(pod("web-1", status=RUNNING, labels={"app": "web"}), deployment("web"), deployment("web", "other"))
    assert [ref.namespace for ref in found.rest.upserts] == ["other"]


def test_a_pod_of_somebody_else_keeps_no_deployment_from_its_work() -> None:
    stranger = pod("web-1", ("StatefulSet", "web"), status=RUNNING, labels={"app": "web"})
    assert left(taken(stranger, deployment("web"))) == ["Deployment web"]


def test_references_of_another_form_are_none() -> None:
    odd = pod("web-1", status=RUNNING)
    odd["metadata"]["ownerReferences"] = "web"
    assert len(taken(odd).pods) == 1
