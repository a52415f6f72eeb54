"""Where a VirtualService is attached, for which hosts, who sees it, and in which order its rules stand."""

from typing import Any

import pytest
from tests.unit.dialects.compiling import compiled, fragments, istio, refused, warned

from weft.ir.routing import RouteTable
from weft.ir.settings import MeshSettings
from weft.ir.values import Target

TO_A = "route: [{destination: {host: a}}]"
MESH = Target("service")


def service(spec: str, **meta: Any) -> Any:
    return istio("VirtualService", spec, **meta)


def tables(spec: str, **settings: Any) -> list[RouteTable]:
    result = compiled(service(spec), **settings)
    assert result.issues == ()
    return fragments(result, RouteTable)


def test_a_table_of_the_mesh() -> None:
    (table,) = tables(f"{{hosts: [A, b.test], http: [{{{TO_A}}}]}}")
    assert (table.attach, table.level, table.family) == (MESH, "http", "virtual")
    assert table.hosts == ("a.shop.svc.cluster.local", "b.test")
    assert (table.fallback, table.merge, table.clients, table.ports) == ("not_found", "oldest", None, None)
    assert (table.source.kind, table.source.namespace, table.source.name) == ("VirtualService", "shop", "subject")


@pytest.mark.parametrize(
    ("name", "namespace", "gateway"),
    [
        ("front", "shop", "front"),
        ("./front", "shop", "front"),
        ("edge/front", "edge", "front"),
        ("front.edge.svc.cluster.local", "edge", "front"),
        ("front.edge", "edge", "front"),
    ],
)
def test_a_gateway_is_of_the_own_namespace_unless_its_name_says_otherwise(
    name: str, namespace: str, gateway: str
) -> None:
    (table,) = tables(f"{{hosts: ['*'], gateways: [{name}], http: [{{{TO_A}}}]}}")
    assert (table.attach, table.merge) == (Target("gateway", namespace, gateway), "append")


def test_one_table_per_place_of_attachment() -> None:
    found = tables(f"{{hosts: [b.test], gateways: [mesh, front, ./front], http: [{{{TO_A}}}]}}")
    assert [table.attach for table in found] == [MESH, Target("gateway", "shop", "front")]


def test_a_match_with_gateways_of_its_own_counts_only_there() -> None:
    found = tables(
        f"""
        hosts: [b.test]
        gateways: [mesh, edge/front]
        http:
        - match: [{{uri: {{exact: /edge}}, gateways: [edge/front]}}, {{uri: {{exact: /both}}}}]
          {TO_A}
        - match: [{{uri: {{exact: /mesh}}, gateways: [mesh]}}]
          {TO_A}
        - {TO_A}
        """
    )
    paths = [
        [[match.path[1] for match in rule.matches if match.path] if rule.matches else None for rule in table.rules]
        for table in found
    ]
    assert paths == [[["/both"], ["/mesh"], None], [["/edge", "/both"], None]]


def test_a_place_where_no_rule_counts_gets_no_table() -> None:
    found = tables(f"{{hosts: [b.test], gateways: [mesh, front], http: [{{match: [{{gateways: [front]}}], {TO_A}}}]}}")
    assert [table.attach.kind for table in found] == ["gateway"]


def test_a_match_at_a_gateway_that_the_object_does_not_name_is_pointed_out() -> None:
    result = compiled(service(f"{{hosts: [b.test], http: [{{match: [{{gateways: [front]}}], {TO_A}}}, {{{TO_A}}}]}}"))
    assert warned(result) == [("IST0133", "spec.http[0].match[0].gateways")]


@pytest.mark.parametrize(
    ("export_to", "default", "clients"),
    [
        ("[]", None, None),
        ("['*']", ("shop",), None),
        ("['.']", None, ("shop",)),
        ("[b, ., a]", None, ("a", "b", "shop")),
        ("['~']", None, ()),
        ("[]", (".",), ("shop",)),
        ("[]", (".", "tools"), ("shop", "tools")),
    ],
)
def test_who_sees_it(export_to: str, default: tuple[str, ...] | None, clients: tuple[str, ...] | None) -> None:
    settings = MeshSettings(routes_visible_to=default)
    (table,) = tables(f"{{hosts: [a], exportTo: {export_to}, http: [{{{TO_A}}}]}}", settings=settings)
    assert table.clients == clients


def test_rules_keep_their_order_and_older_objects_come_first() -> None:
    spec = f"{{hosts: [a.test], http: [{{name: x, {TO_A}}}, {{name: y, {TO_A}}}]}}"
    young = fragments(compiled(service(spec, name="a", created=9)), RouteTable)[0].rules
    old = fragments(compiled(service(spec, name="z", created=3)), RouteTable)[0].rules
    twin = fragments(compiled(service(spec, name="b", created=9)), RouteTable)[0].rules
    ordered = sorted([*twin, *young, *old], key=lambda rule: rule.rank)
    assert [(rule.source.name, rule.name) for rule in ordered] == [
        ("z", "x"),
        ("z", "y"),
        ("a", "x"),
        ("a", "y"),
        ("b", "x"),
        ("b", "y"),
    ]


def test_every_rule_knows_the_field_that_it_comes_from() -> None:
    (table,) = tables(f"{{hosts: [a.test], http: [{{{TO_A}}}, {{{TO_A}}}]}}")
    assert [rule.source.path for rule in table.rules] == ["spec.http[0]", "spec.http[1]"]
    assert [rule.source.created for rule in table.rules] == [7, 7]


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ("{hosts: [a]}", "spec"),
        (f"{{hosts: ['a b'], http: [{{{TO_A}}}]}}", "spec.hosts[0]"),
        (f"{{hosts: ['*'], http: [{{{TO_A}}}]}}", "spec.hosts[0]"),
        (f"{{hosts: ['*'], gateways: [mesh, front], http: [{{{TO_A}}}]}}", "spec.hosts[0]"),
        (f"{{hosts: [a.x.test, '*.x.test'], http: [{{{TO_A}}}]}}", "spec.hosts"),
        (f"{{hosts: [a, a.shop.svc.cluster.local], http: [{{{TO_A}}}]}}", "spec.hosts"),
        (f"{{hosts: [a], exportTo: ['*', b], http: [{{{TO_A}}}]}}", "spec.exportTo"),
        (f"{{hosts: [a], exportTo: ['~', b], http: [{{{TO_A}}}]}}", "spec.exportTo"),
        (f"{{hosts: [a], exportTo: [B], http: [{{{TO_A}}}]}}", "spec.exportTo[0]"),
    ],
)
def test_an_object_that_the_api_does_not_allow_is_refused(spec: str, path: str) -> None:
    assert [at for at, _ in refused(compiled(service(spec)))] == [path]


def test_one_bad_rule_makes_the_whole_object_count_as_absent_and_says_so() -> None:
    result = compiled(service(f"{{hosts: [a], http: [{{{TO_A}}}, {{name: empty}}]}}"))
    refused(result)
    assert {issue.effect for issue in result.issues} == {"the object counts as absent"}
    assert {str(issue.ref) for issue in result.issues} == {"VirtualService shop/subject"}
