"""What a change costs, counted in values that are looked at again, does not grow with the mesh."""

from typing import Final

import pytest
from tests.unit.apps.changes import objects
from tests.unit.apps.changes.objects import Body
from tests.unit.apps.changes.world import ChangingMesh

from weft.analyze.analyzer import CHECKS
from weft.base.issues import Ref
from weft.envoy.type_urls import EDS

SIZES: Final = (5, 50)


def service(number: int, note: str = "") -> Body:
    metadata = {"name": f"service-{number}", "namespace": "shop", "annotations": {"example.org/note": note}}
    spec = {"clusterIP": f"10.96.0.{number + 1}", "ports": [{"name": "http", "port": 80}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


def endpoints(number: int, address: str) -> Body:
    name = f"service-{number}"
    labels = {"kubernetes.io/service-name": name}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": name, "namespace": "shop", "labels": labels},
        "addressType": "IPv4",
        "ports": [{"name": "http", "port": 80}],
        "endpoints": [{"addresses": [address]}],
    }


def rule(host: str) -> Body:
    metadata = {"name": "rule", "namespace": "shop"}
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "DestinationRule",
        "metadata": metadata,
        "spec": {"host": host},
    }


def client() -> Body:
    note = {"sidecar.istio.io/status": '{"containers":["istio-proxy"]}'}
    status = {"phase": "Running", "podIP": "10.244.0.9", "conditions": [{"type": "Ready", "status": "True"}]}
    metadata = {"name": "client", "namespace": "shop", "labels": {"app": "client"}, "annotations": note}
    spec = {"containers": [{"name": "app", "image": "app"}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": status}


def ref(body: Body) -> Ref:
    value = objects.decode(body)
    assert value is not None
    return value.ref


def mesh_of(services: int) -> ChangingMesh:
    mesh = ChangingMesh()
    mesh.set(client())
    for number in range(services):
        mesh.set(service(number))
        mesh.set(endpoints(number, f"192.0.2.{number}"))
    mesh.publish()
    mesh.told()
    mesh.pipeline.issues()
    return mesh


def looked_at(mesh: ChangingMesh, change: Body, *, asking: bool = False) -> dict[str, int]:
    """How many values of each table are computed again, or found to be as before; also if its issues are asked for."""
    before = {id(table): table.computed + table.cut_off for table in mesh.pipeline.graph.tables}
    mesh.set(change)
    mesh.publish()
    if asking:
        mesh.pipeline.issues(ref(change))
    tables = {id(table): table for table in mesh.pipeline.graph.tables}
    counts = {table.name: table.computed + table.cut_off - before[key] for key, table in tables.items()}
    return {name: count for name, count in counts.items() if count}


@pytest.mark.parametrize("asking", [False, True], ids=["told", "asked"])
@pytest.mark.parametrize(
    "changed", [endpoints(3, "198.51.100.7"), service(3, "another note")], ids=["endpoint", "note"]
)
def test_a_change_of_one_service_is_looked_at_in_a_large_mesh_as_in_a_small_one(changed: Body, asking: bool) -> None:
    small, large = (looked_at(mesh_of(services), changed, asking=asking) for services in SIZES)
    assert small == large


def test_no_check_across_objects_runs_again_for_an_endpoint() -> None:
    assert "issues across objects" not in looked_at(mesh_of(5), endpoints(3, "198.51.100.7"), asking=True)


def test_what_is_wrong_with_others_is_looked_at_again_by_the_checks_that_it_concerns() -> None:
    mesh = mesh_of(5)
    counts = looked_at(mesh, rule("service-3.shop.svc.cluster.local"), asking=True)
    assert 0 < counts["issues across objects"] < len(CHECKS)
    mesh.set(rule("nowhere.test"))
    assert [issue.code for issue in mesh.pipeline.issues()] == ["IST0174"]
    mesh.set(rule("service-3.shop.svc.cluster.local"))
    assert mesh.pipeline.issues() == ()
    mesh.remove(ref(service(3)))
    assert [issue.code for issue in mesh.pipeline.issues()] == ["IST0174"]


def test_objects_that_come_together_are_compiled_once() -> None:
    mesh = mesh_of(0)
    (compiled,) = (table for table in mesh.pipeline.graph.tables if table.name == "compiled")
    before = compiled.computed
    for number in range(5):
        mesh.set(service(number))
        mesh.set(endpoints(number, f"192.0.2.{number}"))
    mesh.publish()
    assert compiled.computed == before + 10


def test_what_proxies_have_no_use_for_is_compiled_and_goes_no_further() -> None:
    indexes = {"objects by kind": 1, "objects by label": 1}
    assert looked_at(mesh_of(5), service(3, "another note")) == {**indexes, "compiled": 1, "fragments": 1}


def test_an_endpoint_is_told_and_nothing_else_is_looked_at() -> None:
    mesh = mesh_of(5)
    counts = looked_at(mesh, endpoints(3, "198.51.100.7"))
    assert {each for told in mesh.told().values() for each in told} == {
        (EDS, "outbound|80||service-3.shop.svc.cluster.local")
    }
    assert counts.keys().isdisjoint({"service", "services of scope", "virtual host", "routes", "outbound listeners"})
