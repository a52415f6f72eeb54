"""Bodies become typed objects; everything that is wrong is said at once, each with its path."""

from typing import Any

import pytest
from tests.unit.model.samples import BOX, KINDS, Box, BoxStatus, Road, Route

from weft.base.issues import Issue, Ref
from weft.model.codes import IGNORED_KIND, INVALID, UNKNOWN_KIND
from weft.model.decode import Decoded, Decoder, nests_deeper
from weft.model.kinds import Kinds
from weft.model.objects import Broken, Metadata, Object


def road(spec: Any = None, **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "test.weft.dev/v1",
        "kind": "Road",
        "metadata": {"name": "a", **metadata},
        "spec": {} if spec is None else spec,
    }


def decode(body: Any) -> Decoded:
    return Decoder(Kinds(KINDS)).decode(body)


def said(decoded: Decoded) -> list[tuple[str, str]]:
    return [(issue.path, f"{issue.message}; {issue.advice}".removesuffix("; ")) for issue in decoded.issues]


def only(decoded: Decoded) -> Issue:
    assert len(decoded.issues) == 1, decoded.issues
    return decoded.issues[0]


def test_a_good_body_becomes_a_typed_object() -> None:
    body = road({"hosts": ["x"], "http": [{"host": "y", "port": 8080, "target": "http"}]}, namespace="shop", uid="u-1")
    decoded = decode(body)
    assert decoded.issues == ()
    assert isinstance(decoded.value, Object)
    assert decoded.value.ref == Ref("Road.test.weft.dev", "shop", "a")
    assert decoded.value.spec == Road(hosts=("x",), http=(Route("y", 8080, target="http"),))
    assert decoded.value.metadata.uid == "u-1"


def test_an_object_without_namespace_is_in_the_default_one() -> None:
    value = decode(road()).value
    assert value is not None
    assert value.metadata.namespace == "default"


def test_fields_at_the_top_and_a_status_are_read() -> None:
    body = {"apiVersion": "v1", "kind": "Box", "metadata": {"name": "a"}, "data": {"k": "v"}, "status": {"ready": True}}
    metadata = Metadata(name="a", namespace="default")
    assert decode(body).value == Object(BOX.key, metadata, Box(data={"k": "v"}), BoxStatus(ready=True))


def test_bytes_are_read_from_base64() -> None:
    def box(blob: object) -> Decoded:
        return decode({"apiVersion": "v1", "kind": "Box", "metadata": {"name": "a"}, "blob": {"tls.key": blob}})

    value = box("aGk=").value
    assert isinstance(value, Object)
    assert value.spec == Box(blob={"tls.key": b"hi"})
    assert said(box("secret!")) == [('blob["tls.key"]', "is no base64 (RFC 4648)")]
    assert said(box(5)) == [('blob["tls.key"]', "expected text in base64, got a number")]


def test_all_errors_are_found_at_once_with_their_paths() -> None:
    spec = {
        "hots": ["x"],
        "enabled": "yes",
        "ratio": "0.5",
        "http": [{"hst": "y"}, {"host": 8, "port": 0, "weight": True, "target": [], "mode": "STRIKT"}, "z"],
        "headers": {"x-a": 5},
    }
    decoded = decode(road(spec, labels={"version": 1}, lables={}))
    assert isinstance(decoded.value, Broken)
    assert said(decoded) == [
        ("metadata.lables", "unknown field `lables` in metadata; did you mean `labels`?"),
        ("metadata.labels.version", "expected text, got a number; write it in quotes"),
        ("spec.hots", "unknown field `hots` in spec; did you mean `hosts`?"),
        ("spec.enabled", "expected true or false, got text"),
        ("spec.ratio", "expected a number, got text; write it without quotes"),
        ("spec.http[0].hst", "unknown field `hst` in spec.http[0]; did you mean `host`?"),
        ("spec.http[0].host", "this field is required, and it is missing"),
        ("spec.http[1].host", "expected text, got a number; write it in quotes"),
        ("spec.http[1].port", "expected at least 1, got 0"),
        ("spec.http[1].weight", "expected a whole number, got true or false"),
        ("spec.http[1].target", "expected a whole number or text, got a list"),
        ("spec.http[1].mode", "expected one of PERMISSIVE, STRICT, got `STRIKT`; did you mean STRICT?"),
        ("spec.http[2]", "expected fields, got text"),
        ("spec.headers.x-a", "expected fields, got a number"),
    ]
    assert {issue.code for issue in decoded.issues} == {INVALID}
    assert {issue.severity for issue in decoded.issues} == {"error"}
    assert all(issue.ref == decoded.value.ref and issue.effect for issue in decoded.issues)


def test_a_broken_object_keeps_what_it_says() -> None:
    body = road({"hots": []}, namespace="shop", labels={"app": "x", "bad": 1})
    broken = decode(body).value
    assert isinstance(broken, Broken)
    assert broken.body == body
    assert broken.metadata.labels == {"app": "x"}


def test_the_number_of_errors_of_one_object_is_bounded() -> None:
    decoded = decode(road({f"wrong{n}": 1 for n in range(1_000)}))
    assert len(decoded.issues) == 20


def test_a_check_of_the_type_itself_is_an_error_too() -> None:
    assert said(decode(road({"ratio": 2.0}))) == [("spec", "the ratio is more than 1")]


def test_null_is_a_field_that_was_not_written() -> None:
    decoded = decode(road({"hosts": None, "enabled": None, "http": [{"host": "x", "port": None}]}))
    assert decoded.issues == ()
    assert isinstance(decoded.value, Object)
    assert decoded.value.spec == Road(http=(Route("x"),))


def test_null_stays_where_it_means_something() -> None:
    decoded = decode(road({"hosts": None, "headers": {"x": None}, "free": {"y": None}}))
    assert isinstance(decoded.value, Object)
    assert decoded.value.spec == Road(headers={"x": None}, free={"y": None})


def test_null_is_no_element_of_a_list() -> None:
    assert said(decode(road({"http": [None]}))) == [("spec.http[0]", "expected fields, got nothing")]


def test_a_missing_spec_is_an_empty_one() -> None:
    body = road()
    del body["spec"]
    assert decode(body).issues == ()


def test_a_field_beside_spec_is_an_error() -> None:
    assert said(decode({**road(), "http": []})) == [
        ("http", "unknown field `http`; fields of the object's own are below `spec`")
    ]


@pytest.mark.parametrize(
    ("metadata", "path"),
    [
        ({"name": ""}, "metadata.name"),
        ({"name": 5}, "metadata.name"),
        ({"name": "Upper"}, "metadata.name"),
        ({"name": "x" * 254}, "metadata.name"),
        ({"name": "a", "namespace": "a.b"}, "metadata.namespace"),
        ({"name": "a", "namespace": 7}, "metadata.namespace"),
        ({"name": "a", "labels": []}, "metadata.labels"),
        ({"name": "a", "labels": {"k": "no spaces"}}, "metadata.labels.k"),
        ({"name": "a", "labels": {"k": "x" * 64}}, "metadata.labels.k"),
        ({"name": "a", "labels": {"/k": "v"}}, "metadata.labels"),
        ({"name": "a", "annotations": {"k": 1}}, "metadata.annotations.k"),
        ({"name": "a", "annotations": {"k": "x" * 300_000}}, "metadata.annotations"),
        ({"generateName": "a-"}, "metadata.name"),
        ("text", "metadata"),
    ],
)
def test_metadata_is_checked_as_an_api_server_does(metadata: Any, path: str) -> None:
    issue = only(decode({**road(), "metadata": metadata}))
    assert issue.path.startswith(path)
    assert issue.severity == "error"


def test_names_of_namespaces_have_no_dots() -> None:
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a.b"}}
    assert only(decode(body)).path == "metadata.name"


def test_an_object_outside_of_namespaces_can_not_be_in_one() -> None:
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a", "namespace": "b"}}
    decoded = decode(body)
    assert said(decoded) == [("metadata.namespace", "a Namespace is in no namespace; remove this field")]
    assert decoded.value is not None
    assert decoded.value.metadata.namespace == ""


@pytest.mark.parametrize("body", [[], "text", None, {}, {"kind": "Road"}, {"apiVersion": 1, "kind": "Road"}])
def test_what_is_no_object_is_refused(body: Any) -> None:
    decoded = decode(body)
    assert decoded.value is None
    assert decoded.issues


def test_an_unknown_version_of_a_known_kind_fails_closed() -> None:
    decoded = decode({**road(), "apiVersion": "test.weft.dev/v9"})
    assert isinstance(decoded.value, Broken)
    assert only(decoded).path == "apiVersion"


def test_a_slip_in_the_kind_is_an_error() -> None:
    decoded = decode({**road(), "kind": "Roads"})
    assert decoded.value is None
    assert (only(decoded).code, only(decoded).severity) == (UNKNOWN_KIND, "error")


def test_a_kind_that_means_nothing_to_the_mesh_is_said_and_left_alone() -> None:
    decoded = decode({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "a"}})
    assert decoded.value is None
    assert (only(decoded).code, only(decoded).severity) == (IGNORED_KIND, "warning")


@pytest.mark.parametrize(
    ("version", "kind", "instead"), [("batch/v1", "CronJob", "a Job"), ("apps/v1", "StatefulSet", "a Deployment")]
)
def test_a_kind_whose_pods_are_not_made_says_so_and_what_to_write(version: str, kind: str, instead: str) -> None:
    decoded = decode({"apiVersion": version, "kind": kind, "metadata": {"name": "a"}})
    assert decoded.value is None
    assert only(decoded).code == IGNORED_KIND
    assert only(decoded).effect == "none of its pods is made"
    assert only(decoded).advice == f"write {instead}"


def test_the_time_of_creation_is_the_api_servers_or_asked_for() -> None:
    decoder = Decoder(Kinds(KINDS), created=lambda ref: 7 if ref.name == "a" else 0)
    known = decoder.decode(road(creationTimestamp="2026-11-23T07:00:00Z")).value
    unknown = decoder.decode(road()).value
    assert known is not None
    assert unknown is not None
    assert known.metadata.created == 1795417200
    assert unknown.metadata.created == 7


def nested(levels: int) -> Any:
    value: Any = {}
    for _ in range(levels - 1):
        value = {"a": value}
    return value


def test_depth_is_measured() -> None:
    assert nests_deeper(nested(21), 20)
    assert not nests_deeper(nested(20), 20)
    assert not nests_deeper("text", 0)


def test_what_is_nested_too_deep_is_refused() -> None:
    assert decode(road({"free": nested(90)})).issues == ()
    assert "nested more than 100 deep" in only(decode(road({"free": nested(50_000)}))).message
