"""Conditions become exactly the matches of Envoy that mean the same."""

from typing import Any

import pytest
import re2

from weft.base import protobuf
from weft.envoy.rbac.permissions import permission_leaf
from weft.envoy.rbac.principals import principal_leaf
from weft.envoy.rbac.terms import PERMISSION, PRINCIPAL
from weft.ir.values import Condition, Text

ANY = {"any": True}
DOMAINS = ("td.example", "old.example")


def permission(condition: Condition) -> dict[str, Any]:
    """A condition as permission, in JSON."""
    leaf = permission_leaf(condition.key)
    assert leaf
    return protobuf.to_dict(protobuf.new("envoy.config.rbac.v3.Permission", **PERMISSION.condition(condition, leaf)))


def principal(condition: Condition, domains: tuple[str, ...] = DOMAINS[:1]) -> dict[str, Any]:
    """A condition as principal, in JSON."""
    leaf = principal_leaf(condition.key, domains)
    assert leaf
    return protobuf.to_dict(protobuf.new("envoy.config.rbac.v3.Principal", **PRINCIPAL.condition(condition, leaf)))


def header(name: str, **match: Any) -> dict[str, Any]:
    return {"header": {"name": name, "stringMatch": match}}


def named(**match: Any) -> dict[str, Any]:
    return {"authenticated": {"principalName": match}}


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("port", "tcp:80", {"destinationPort": 80}),
        ("port", "any:80-90", {"destinationPortRange": {"start": 80, "end": 91}}),
        ("port", "udp:80", {"notRule": ANY}),
        ("local.address", "10.0.0.0/8", {"destinationIp": {"addressPrefix": "10.0.0.0", "prefixLen": 8}}),
        ("tls.name", ("exact", "a.b"), {"requestedServerName": {"exact": "a.b"}}),
        ("tls.name", ("present", ""), {"requestedServerName": {"safeRegex": {"regex": "(?s:.+)"}}}),
        ("request.host", ("exact", "a.b"), header(":authority", exact="a.b", ignoreCase=True)),
        ("request.host", ("suffix", ".b"), header(":authority", suffix=".b", ignoreCase=True)),
        ("request.host", ("prefix", "a.b:"), header(":authority", prefix="a.b:", ignoreCase=True)),
        ("request.host", ("regex", "a.b"), header(":authority", safeRegex={"regex": "(?i)a.b"})),
        ("request.host", ("present", ""), {"header": {"name": ":authority", "presentMatch": True}}),
        ("request.method", ("exact", "GET"), header(":method", exact="GET")),
        ("request.path", ("prefix", "/a"), {"urlPath": {"path": {"prefix": "/a"}}}),
        ("request.header:x-user", ("suffix", "b"), header("x-user", suffix="b")),
        ("request.header:x-user", ("present", ""), {"header": {"name": "x-user", "presentMatch": True}}),
    ],
)
def test_what_is_asked(key: str, value: Text | str, expected: dict[str, Any]) -> None:
    assert permission(Condition(key, (value,))) == expected


def test_a_template_of_a_path_uses_envoy_s_own() -> None:
    found = permission(Condition("request.path", (("template", "/a/{*}/b/{**}"),)))["uriTemplate"]
    assert found["name"] == "envoy.path.match.uri_template.uri_template_matcher"
    assert found["typedConfig"]["pathTemplate"] == "/a/*/b/**"


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("peer.address", "10.1.2.3", {"directRemoteIp": {"addressPrefix": "10.1.2.3", "prefixLen": 32}}),
        ("client.address", "fd00::/8", {"remoteIp": {"addressPrefix": "fd00::", "prefixLen": 8}}),
        ("peer.identity", ("exact", "spiffe://td.example/ns/a/sa/b"), named(exact="spiffe://td.example/ns/a/sa/b")),
        ("peer.identity", ("prefix", "spiffe://x/"), named(prefix="spiffe://x/")),
        ("peer.identity", ("present", ""), named(safeRegex={"regex": "(?s:.+)"})),
        ("token.principal", ("present", ""), {"notId": ANY}),
    ],
)
def test_who_asks(key: str, value: Text | str, expected: dict[str, Any]) -> None:
    assert principal(Condition(key, (value,))) == expected


@pytest.mark.parametrize(
    ("key", "text", "yes", "no"),
    [
        ("peer.namespace", ("exact", "a.b"), "spiffe://x/ns/a.b/sa/c", "spiffe://x/ns/axb/sa/c"),
        ("peer.namespace", ("exact", "a"), "spiffe://x/ns/a/sa/c", "spiffe://x/ns/b/sa/ns/a/sa/c"),
        ("peer.namespace", ("prefix", "a"), "spiffe://x/ns/ab/sa/c", "spiffe://x/ns/ba/sa/c"),
        ("peer.namespace", ("suffix", "a"), "spiffe://x/ns/ba/sa/c", "spiffe://x/ns/b/sa/a"),
        ("peer.namespace", ("glob", "a*c"), "spiffe://x/ns/abc/sa/c", "spiffe://x/ns/a/sa/c"),
        ("peer.namespace", ("present", ""), "spiffe://x/ns/a/sa/c", "spiffe://x/sa/c"),
        ("peer.account", ("exact", "a/b"), "spiffe://x/ns/a/sa/b", "spiffe://x/ns/a/sa/bb"),
        ("peer.account", ("present", ""), "spiffe://x/ns/a/sa/b", "b.a.serviceaccount.x"),
        ("peer.domain", ("exact", "a.b"), "spiffe://a.b/ns/a/sa/b", "spiffe://axb/ns/a/sa/b"),
        ("peer.domain", ("prefix", "a."), "spiffe://a.b/ns/a/sa/b", "spiffe://b/ns/a./sa/b"),
    ],
)
def test_parts_of_an_identity_are_escaped_and_stay_in_their_place(key: str, text: Text, yes: str, no: str) -> None:
    expression = principal(Condition(key, (text,)))["authenticated"]["principalName"]["safeRegex"]["regex"]
    assert re2.fullmatch(expression, yes)
    assert not re2.fullmatch(expression, no)


def test_the_aliases_of_the_trust_domain_are_alternatives() -> None:
    condition = Condition("peer.identity", None, (("exact", "spiffe://old.example/ns/a/sa/b"),))
    each = [named(exact=f"spiffe://{domain}/ns/a/sa/b") for domain in DOMAINS]
    assert principal(condition, DOMAINS) == {"notId": {"orIds": {"ids": each}}}


def test_a_condition_is_any_of_and_none_of() -> None:
    one, two = header(":method", exact="GET"), header(":method", exact="PUT")
    texts: tuple[Text, ...] = (("exact", "GET"), ("exact", "PUT"))
    assert permission(Condition("request.method", texts)) == {"orRules": {"rules": [one, two]}}
    assert permission(Condition("request.method", None, texts)) == {"notRule": {"orRules": {"rules": [one, two]}}}
    both = permission(Condition("request.method", texts[:1], texts[1:]))
    assert both == {"andRules": {"rules": [one, {"notRule": two}]}}
    assert permission(Condition("request.method", ())) == {"notRule": ANY}
    assert permission(Condition("request.method")) == ANY


def test_what_envoy_can_not_know_has_no_form() -> None:
    assert permission_leaf("peer.identity") is None
    assert principal_leaf("request.path", DOMAINS) is None
    assert principal_leaf("peer.workload", DOMAINS) is None
