"""Delegation: rules of another VirtualService in the place of the root's rule."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.dialects.compiling import compiled, fragments, issue_at, istio, refused, warned

from weft.dialects.compiled import Compiled
from weft.dialects.istio.networking.virtual_service.delegates import ContradictionError, merged_route
from weft.ir.routing import Backend, HttpMatch, RouteRule, RouteTable
from weft.model.istio_virtual_service import HttpMatchRequest, HttpRoute, StringMatch

ROOT = "{hosts: [a.test], gateways: [front], http: [{%s delegate: {name: inner, namespace: team}}]}"


def root(rule: str = "") -> Any:
    return istio("VirtualService", ROOT % rule)


def delegate(http: str, extra: str = "") -> Any:
    return istio("VirtualService", f"{{http: [{http}]{extra}}}", name="inner", namespace="team")


def joined(rule: str, *http: str) -> Compiled:
    return compiled(root(rule), delegate(", ".join(http)))


def rules(result: Compiled) -> tuple[RouteRule, ...]:
    assert result.issues == ()
    (table,) = fragments(result, RouteTable)
    return table.rules


def test_the_delegate_s_rules_stand_in_the_root_s_place_with_names_of_their_own_namespace() -> None:
    subject = istio(
        "VirtualService",
        """
        hosts: [a.test]
        http:
        - match: [{uri: {prefix: /team}}]
          delegate: {name: inner, namespace: team}
        - route: [{destination: {host: last}}]
        """,
    )
    inner = delegate(
        "{match: [{uri: {prefix: /team/x}}], route: [{destination: {host: x}}]}, {route: [{destination: {host: y}}]}"
    )
    found = rules(compiled(subject, inner))
    assert [each.backends[0].host for each in found] == [
        "x.team.svc.cluster.local",
        "y.team.svc.cluster.local",
        "last.shop.svc.cluster.local",
    ]
    assert [each.matches for each in found] == [
        (HttpMatch(path=("prefix", "/team/x")),),
        (HttpMatch(path=("prefix", "/team")),),
        None,
    ]
    assert list(found) == sorted(found, key=lambda each: each.rank)


def test_a_rule_names_the_root_and_the_delegate_it_comes_from() -> None:
    (found,) = rules(joined("", "{route: [{destination: {host: x}}]}"))
    (via,) = found.source.via
    assert (found.source.name, found.source.path) == ("subject", "spec.http[0]")
    assert (via.namespace, via.name, via.path) == ("team", "inner", "spec.http[0]")


def test_what_the_delegate_does_not_state_it_takes_from_the_root() -> None:
    (found,) = rules(
        joined(
            "name: outer, timeout: 3s, mirror: {host: copy}, headers: {request: {set: {a: '1'}}},",
            "{name: x, timeout: 1s, route: [{destination: {host: x}}]}",
        )
    )
    assert (found.name, found.timeout) == ("outer-x", 1_000)
    assert found.mirrors == ((Backend("copy.shop.svc.cluster.local"), 1.0),)
    assert found.request is not None
    assert found.request.set == (("a", "1"),)


def test_each_match_of_the_delegate_is_united_with_each_match_of_the_root_that_it_lies_in() -> None:
    (found,) = rules(
        joined(
            "match: [{uri: {prefix: /a}, method: {exact: GET}}, {headers: {x: {exact: '1'}}, port: 80}],",
            "{match: [{uri: {prefix: /a/b}}], route: [{destination: {host: x}}]}",
        )
    )
    assert found.matches == (
        HttpMatch(path=("prefix", "/a/b"), method=("exact", "GET")),
        HttpMatch(path=("prefix", "/a/b"), headers=(("x", ("exact", "1")),), port=80),
    )


@pytest.mark.parametrize(
    ("outer", "inner"),
    [
        ("uri: {prefix: /a}", "uri: {prefix: /b}"),
        ("uri: {exact: /a}", "uri: {prefix: /a}"),
        ("uri: {exact: /a}", "uri: {exact: /b}"),
        ("uri: {regex: /a.*}", "uri: {prefix: /ab}"),
        ("uri: {prefix: /a}", "uri: {regex: /a.*}"),
        ("uri: {prefix: /a}, ignoreUriCase: true", "uri: {prefix: /ab}"),
        ("method: {exact: GET}", "method: {exact: PUT}"),
        ("headers: {x: {exact: '1'}}", "headers: {x: {exact: '2'}}"),
        ("queryParams: {x: {exact: '1'}}", "queryParams: {x: {exact: '2'}}"),
        ("port: 80", "port: 81"),
        ("sourceNamespace: a", "sourceNamespace: b"),
        ("sourceLabels: {app: a}", "sourceLabels: {app: b}"),
        ("gateways: [shop/front]", "gateways: [shop/back]"),
    ],
)
def test_a_rule_that_lies_outside_of_the_root_s_is_left_out_and_pointed_out(outer: str, inner: str) -> None:
    result = joined(
        f"match: [{{{outer}}}],",
        f"{{match: [{{{inner}}}], route: [{{destination: {{host: x}}}}]}}",
        "{route: [{destination: {host: y}}]}",
    )
    assert warned(result) == [("WEFT0103", "spec.http[0]")]
    (table,) = fragments(result, RouteTable)
    assert [rule.backends[0].host for rule in table.rules] == ["y.team.svc.cluster.local"]


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (None, "does not exist"),
        ("{hosts: [b.test], http: [{route: [{destination: {host: x}}]}]}", "has hosts of its own"),
        ("{http: [{route: [{destination: {host: x}}]}], exportTo: [.]}", "is not exported to the namespace shop"),
        ("{http: [{name: empty}]}", "is invalid"),
        ("{http: [{route: [{destination: {host: x}}], timeout: soon}]}", "is invalid"),
    ],
)
def test_a_delegate_that_can_t_be_used_leaves_the_root_s_other_rules_in_force(other: str | None, reason: str) -> None:
    subject = istio(
        "VirtualService",
        """
        hosts: [a.test]
        http:
        - delegate: {name: inner, namespace: team}
        - route: [{destination: {host: last}}]
        """,
    )
    others = [istio("VirtualService", other, name="inner", namespace="team")] if other else []
    result = compiled(subject, *others)
    assert warned(result) == [("IST0101", "spec.http[0].delegate")]
    assert reason in issue_at(result, "spec.http[0].delegate").message
    (table,) = fragments(result, RouteTable)
    assert [rule.backends[0].host for rule in table.rules] == ["last.shop.svc.cluster.local"]


def test_a_delegate_without_a_namespace_is_of_the_root_s() -> None:
    subject = istio("VirtualService", "{hosts: [a.test], http: [{delegate: {name: inner}}]}")
    inner = istio("VirtualService", "{http: [{route: [{destination: {host: x}}]}]}", name="inner")
    assert len(rules(compiled(subject, inner))) == 1


def test_a_delegate_by_itself_routes_nothing_and_has_findings_of_its_own() -> None:
    assert compiled(delegate("{route: [{destination: {host: x}}]}")) == Compiled()
    assert refused(compiled(delegate("{route: [{destination: {host: x}}], timeout: soon}")))


@pytest.mark.parametrize(
    ("http", "extra", "path"),
    [
        ("{route: [{destination: {host: x}}]}", ", gateways: [front]", "spec.gateways"),
        ("{route: [{destination: {host: x}}]}", ", tcp: [{route: [{destination: {host: x}}]}]", "spec"),
        ("{delegate: {name: deeper}}", "", "spec.http[0].delegate"),
        ("", "", "spec.http"),
    ],
)
def test_what_a_delegate_must_not_say(http: str, extra: str, path: str) -> None:
    assert [at for at, _ in refused(compiled(delegate(http, extra)))] == [path]


def test_settings_of_the_root_s_rule_are_checked_there() -> None:
    result = joined("timeout: soon,", "{route: [{destination: {host: x}}]}")
    assert [at for at, _ in refused(result)] == ["spec.http[0].timeout"]


PATHS = st.sampled_from(["/", "/a", "/a/b", "/a/b/c", "/b"])
TEXTS = st.none() | st.builds(lambda p: StringMatch(exact=p), PATHS) | st.builds(lambda p: StringMatch(prefix=p), PATHS)


def holds(match: StringMatch | None, path: str) -> bool:
    if match is None:
        return True
    return path == match.exact if match.exact is not None else path.startswith(match.prefix or "")


@given(outer=TEXTS, inner=TEXTS, path=PATHS)
def test_a_united_match_holds_exactly_where_both_hold(
    outer: StringMatch | None, inner: StringMatch | None, path: str
) -> None:
    try:
        merged = merged_route(
            HttpRoute(match=(HttpMatchRequest(uri=outer),)), HttpRoute(match=(HttpMatchRequest(uri=inner),))
        )
    except ContradictionError:
        return
    assert holds(merged.match[0].uri, path) == (holds(outer, path) and holds(inner, path))
