"""The table of pods: found by name and owner, remembered, and told when they change."""

from typing import Any

from msgspec import structs
from tests.unit.sources.local.world import Clock, report

from weft.base.issues import Ref
from weft.model.kubernetes import Container, PodSpec, PodTemplate, TemplateMetadata
from weft.sources.local.pods import PodRecord, Pods, template_hash
from weft.sources.state import MemoryTables

OWNER = Ref("Deployment.apps", "shop", "web")
TEMPLATE = PodTemplate(TemplateMetadata({"app": "web"}), PodSpec((Container("app"),)))


def record(uid: str, **changes: Any) -> PodRecord:
    values: dict[str, Any] = {
        "uid": uid,
        "namespace": "shop",
        "name": f"web-{uid}",
        "owner": OWNER,
        "template": "t",
        "content": TEMPLATE,
        "marks": TEMPLATE.metadata,
        "written": {"containers": [{"name": "app", "odd": 1.5}]},
        "injected": "sidecar",
        "folders": {"app": "/srv"},
        "created": 7,
    }
    return PodRecord(**{**values, **changes})


def table(tables: MemoryTables | None = None) -> Pods:
    return Pods(tables or MemoryTables(), Clock())


def test_pods_and_reports_survive_a_restart() -> None:
    tables = MemoryTables()
    first = table(tables)
    made = record("a", variables={"app": (("A", "b"),)})
    first.put(made)
    first.take_reports([report(made)])
    again = table(tables)
    assert again.records() == [made]
    assert again.report("a") == report(made)
    assert again.is_ready("a")
    assert again.of(OWNER) == [made]


def test_what_another_version_wrote_is_left_out() -> None:
    tables = MemoryTables()
    table(tables).put(record("a"))
    tables.write("pods", {"b": b'{"uid": "b"}', "c": b"\xff"})
    assert [each.uid for each in table(tables).records()] == ["a"]


def test_a_name_means_the_pod_that_is_not_ending() -> None:
    pods = table()
    pods.put(record("old", name="tool", deleted=5.0))
    ref = Ref("Pod", "shop", "tool")
    assert [pods.named(ref)] == pods.ending()
    pods.put(record("new", name="tool", created=9))
    found = pods.named(ref)
    assert found is not None
    assert found.uid == "new"
    assert pods.named(Ref("Pod", "other", "tool")) is None


def test_ending_and_forgetting() -> None:
    pods = table()
    pods.put(record("a"))
    pods.end("a")
    assert [each.deleted for each in pods.ending()] == [1_000.0]
    pods.end("a")
    pods.forget("a")
    pods.forget("a")
    assert pods.records() == pods.ending() == pods.of(OWNER) == []
    assert pods.owners() == set()


def test_each_change_is_told_once() -> None:
    pods = table()
    made = record("a")
    pods.put(made)
    pods.put(made)
    assert pods.take_changed() == [made]
    assert pods.take_changed() == []
    assert pods.take_reports([report(made)]) == [report(made)]
    assert pods.take_reports([report(made)]) == []
    assert pods.take_changed() == [made]
    pods.forget("a")
    assert pods.take_changed() == [made]


def test_a_report_of_an_unknown_pod_is_none() -> None:
    pods = table()
    assert pods.take_reports([report(record("a"))]) == []
    assert pods.report("a") is None


def test_a_pod_moves_from_its_owner_with_its_record() -> None:
    pods = table()
    pods.put(record("a"))
    pods.put(record("a", owner=None))
    assert pods.of(OWNER) == []
    assert pods.owners() == set()
    assert len(pods.records("shop")) == 1
    assert pods.records("other") == []


def test_the_hash_is_of_the_content() -> None:
    assert template_hash(TEMPLATE, {}) == template_hash(structs.replace(TEMPLATE), {})
    other = structs.replace(TEMPLATE, spec=PodSpec((Container("app", image="b"),)))
    assert len({template_hash(TEMPLATE, {}), template_hash(other, {}), template_hash(TEMPLATE, {"app": "/srv"})}) == 3
