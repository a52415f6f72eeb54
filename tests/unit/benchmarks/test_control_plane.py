"""The synthetic mesh, its changes, and how the control plane's figures are shown."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from benchmarks.ads.job import ProxyJob
from benchmarks.control import changes, objects
from benchmarks.control.growth import growth
from benchmarks.control.objects import Shape
from benchmarks.control.page import picture
from benchmarks.control.peer import Peer, PeerEvent, PeerMark, job, read_events
from benchmarks.control.results import Case, Cost, Delays, Event, Result, Sample, Stream
from benchmarks.control.tables import markdown

from weft.base import protobuf
from weft.base.wire import varint
from weft.envoy.type_urls import CDS, EDS

MACHINE: dict[str, Any] = {
    "date": "2026-01-02",
    "processors": 2,
    "processor": "p",
    "kernel": "6",
    "weft": "0",
    "load": 0.5,
}


def documents(shape: Shape) -> list[dict[str, Any]]:
    return [each for _, text in objects.files(shape) for each in yaml.safe_load_all(text)]


@pytest.mark.parametrize("services", [4, 100, 1_100])
def test_every_service_has_its_endpoints_once(services: int) -> None:
    found = documents(Shape(services, 3, 2))
    names = [each["metadata"]["name"] for each in found if each["kind"] == "Service"]
    slices = [each for each in found if each["kind"] == "EndpointSlice"]
    assert sorted(names) == sorted([*map(objects.service_name, range(services)), "annotated"])
    of = [each["metadata"]["labels"]["kubernetes.io/service-name"] for each in slices]
    assert sorted(of) == sorted(map(objects.service_name, range(services)))
    assert len(set(addresses_of(found))) == len(addresses_of(found)) == services * objects.ENDPOINTS


def addresses_of(found: list[dict[str, Any]]) -> list[str]:
    slices = [each for each in found if each["kind"] == "EndpointSlice"]
    return [address for each in slices for one in each["endpoints"] for address in one["addresses"]]


def test_services_have_as_many_endpoints_as_are_asked_for() -> None:
    found = addresses_of(documents(Shape(100, 3, 2, endpoints=5)))
    assert len(set(found)) == len(found) == 500


def test_proxies_are_divided_among_the_workloads() -> None:
    found = [each["spec"]["replicas"] for each in documents(Shape(4, 11, 3)) if each["kind"] == "Deployment"]
    assert found == [4, 4, 3]


def test_no_address_is_the_begin_of_another() -> None:
    """Marks are found as bytes: 198.18.0.1 would be found in 198.18.0.10."""
    addresses = {objects.changed_address(revision) for revision in range(500)}
    assert len(addresses) == 500
    assert len({len(address.rpartition(".")[2]) for address in addresses}) == 1
    with pytest.raises(ValueError, match="no address"):
        objects.changed_address(10**6)


@pytest.mark.parametrize("name", list(changes.changes()))
def test_a_change_is_a_file_that_differs_by_its_revision(name: str) -> None:
    make = changes.changes()[name]
    one, two = make(1), make(2)
    assert one.text != two.text
    assert not set(one.marks) & set(two.marks)
    assert list(yaml.safe_load_all(one.text))


def test_a_change_of_a_rule_is_found_by_its_number() -> None:
    (mark,) = changes.rule(3).marks
    message = protobuf.new("google.protobuf.UInt32Value", value=objects.revision_limit(3))
    assert mark.type_url == CDS
    assert varint(objects.revision_limit(3)) == mark.text
    assert mark.text in protobuf.serialize(message)


def test_a_batch_changes_some_of_the_services_of_its_file() -> None:
    made = changes.batch(1, range(10, 20), 3)
    found = list(yaml.safe_load_all(made.text))
    changed = [each for each in found if each["endpoints"][0]["addresses"][0].startswith("198.")]
    assert (len(found), len(changed), len(made.marks)) == (10, 3, 3)
    assert all(mark.type_url == EDS for mark in made.marks)


def cost(cpu: float | None = 1.0, **more: Any) -> Cost:
    values = {"memory": 100.0, "peak": 120.0, "client_cpu": 0.5, "received": 51_000_000, "responses": {"CDS": 1}}
    return Cost(cpu=cpu, **{**values, **more})


def event(name: str, cpu: float | None, *last: float | None) -> Event:
    return Event(name, tuple(Sample(Delays(1.0, 2.0, each, int(each is None)), cost(cpu)) for each in last))


def case(services: int = 1_000, proxies: int = 100, cpu: float | None = 0.55, **more: Any) -> Case:
    events = (event(changes.ROUTE, cpu, 90.0, 100.0, 110.0), Event(changes.ANNOTATION, (Sample(None, cost()),)))
    shape = Shape(services, proxies, 10)
    return Case(shape=shape, server="weft", protocol="delta", tls=True, ready=3.0, events=events, **more)


def result(*cases: Case) -> Result:
    return Result(machine=MACHINE, cases=cases)


def cells(text: str, begin: str) -> list[str]:
    line = next(line for line in text.splitlines() if line.startswith(f"| {begin}"))
    return [cell.strip() for cell in line.split("|")[1:-1]]


def test_the_table_says_medians_beside_istiods_figures() -> None:
    found = cells(markdown(result(case())), changes.ROUTE)
    assert found[1:] == ["1.00 / 2.00 / 100", "0.550", "51.0", "100 (120)", "0.500", "950", "1.10", "51.0", "0.500"]


def test_where_istiod_was_not_measured_there_is_nothing_of_it() -> None:
    assert "istiod" not in markdown(result(case(services=100)))


def test_nothing_came_and_something_never_came_look_different() -> None:
    lost = msgspec.structs.replace(case(), events=(event(changes.ROUTE, 1.0, None), *case().events[1:]))
    text = markdown(result(lost))
    assert cells(text, changes.ROUTE)[1] == "1.00 / 2.00 / never"
    assert cells(text, changes.ANNOTATION)[1] == "- / - / -"


def test_streams_that_ended_are_told_with_their_reason() -> None:
    assert "Streams that ended" not in markdown(result(case()))
    samples = (Sample(None, cost(ended={"reset": 3, "closed": 1})), Sample(None, cost(ended={"reset": 1})))
    lost = msgspec.structs.replace(case(), events=(Event(changes.CONNECT, samples),))
    assert "5 during 'all connect' (reset)" in markdown(result(lost))


def test_streams_say_how_late_the_last_proxy_was() -> None:
    writes = tuple(Delays(1.0, 5.0, float(each), 0) for each in range(1, 101))
    text = markdown(result(case(streams=(Stream(20, 5.0, writes, cost(1.0)),))))
    assert cells(text, "20 ") == ["20", "5.00", "50.5", "99.0", "100", "0.200", "51.0", "120", "0.100", "9,200"]


def test_growth_is_along_one_size_while_the_others_stay() -> None:
    axes = list(growth([case(proxies=500, cpu=2.0), case(), case(services=100, cpu=0.1)]))
    assert [(axis.name, axis.labels) for axis in axes] == [
        ("the number of services", ("100 services", "1,000 services")),
        ("the number of proxies", ("100 proxies", "500 proxies")),
    ]
    assert [axis.rows[0] for axis in axes] == [(changes.ROUTE, (0.1, 0.55)), (changes.ROUTE, (0.55, 2.0))]


def test_meshes_that_differ_in_more_than_one_size_are_not_compared() -> None:
    more = msgspec.structs.replace(case(services=100), shape=Shape(100, 100, 10, endpoints=5))
    assert not list(growth([case(services=1_000, proxies=100), more]))


def test_growth_with_the_size_of_a_change_is_told() -> None:
    batches = tuple((count, event(changes.BATCH, count / 10, 1.0)) for count in (1, 10))
    (axis,) = growth([case(batches=batches)])
    assert (axis.labels, axis.rows[0][1]) == (("1 endpoints", "10 endpoints"), (0.1, 1.0))


def test_the_picture_is_of_the_largest_mesh_that_can_be_compared() -> None:
    drawn = picture(result(case(), case(proxies=500), case(proxies=1_000)))
    assert drawn is not None
    assert "1,000 services, 500 proxies" in drawn
    assert picture(result(case(services=100))) is None


def test_figures_can_be_kept_and_shown_again() -> None:
    kept = result(case(streams=(Stream(20, 5.0, (Delays(None, None, None, 3),), cost(None)),)))
    assert msgspec.json.decode(msgspec.json.encode(kept), type=Result) == kept
    assert "never" in markdown(kept)


def peer(**more: Any) -> Peer:
    return Peer(name="p", host="h", port=1, protocol="sotw", services=5, **more)


def test_proxies_of_another_server_have_ids_of_their_own() -> None:
    found = job(peer(metadata={"NAMESPACE": "default"}), 300).proxies
    nodes: list[Any] = [protobuf.parse("envoy.config.core.v3.Node", each.node) for each in found]
    assert len({node.id for node in nodes}) == 300
    assert nodes[299].id == "sidecar~10.1.43.1~proxy-299.default~default.svc.cluster.local"
    assert nodes[0].metadata["NAMESPACE"] == "default"
    assert isinstance(found[0], ProxyJob)
    with pytest.raises(ValueError, match="nonsense"):
        job(peer(node_id="{nonsense}"), 1)


def test_events_of_another_server_are_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "events.json"
    path.write_text(
        '[{"name": "a", "command": ["cp", "{revision}"], "marks": [{"type": "EDS", "text": "10.{revision}"}]}]'
    )
    assert read_events(path) == (PeerEvent("a", ("cp", "{revision}"), (PeerMark("EDS", "10.{revision}"),)),)
    path.write_text('[{"name": "a", "command": [], "marks": [{"type": "XDS", "text": ""}]}]')
    with pytest.raises(ValueError, match="XDS"):
        read_events(path)
