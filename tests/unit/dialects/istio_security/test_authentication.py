"""PeerAuthentication says who must use mutual TLS (I5); RequestAuthentication is only recognised."""

from typing import Any

import pytest
from tests.unit.dialects.istio_security.policies import ROOT, authentications, compiled, problems

from weft.ir.access import Authentication
from weft.ir.values import Selector, Target

SELECTOR = {"matchLabels": {"app": "api"}}
SELECTED = Target("workloads", "shop", select=Selector(("shop",), labels=(("app", "in", ("api",)),)))


@pytest.mark.parametrize(
    ("mtls", "mutual"),
    [
        ({"mode": "STRICT"}, "require"),
        ({"mode": "PERMISSIVE"}, "accept"),
        ({"mode": "DISABLE"}, "off"),
        ({"mode": "UNSET"}, None),
        ({}, None),
        (None, None),
    ],
)
def test_a_mode_is_stated_or_inherited(mtls: dict[str, str] | None, mutual: str | None) -> None:
    (found,) = authentications({"mtls": mtls})
    assert (found.target, found.port, found.mutual) == (Target("namespace", "shop"), None, mutual)


def test_the_root_namespace_speaks_for_the_mesh() -> None:
    (found,) = authentications({"mtls": {"mode": "STRICT"}}, namespace=ROOT)
    assert found.target == Target("mesh")


@pytest.mark.parametrize("ports", ["{8080: {mode: DISABLE}, 9090: {}}", "{'9090': {}, '8080': {mode: DISABLE}}"])
def test_ports_have_modes_of_their_own(ports: str) -> None:
    found = authentications(
        f"{{selector: {{matchLabels: {{app: api}}}}, mtls: {{mode: STRICT}}, portLevelMtls: {ports}}}"
    )
    assert [(each.target, each.port, each.mutual) for each in found] == [
        (SELECTED, None, "require"),
        (SELECTED, 8080, "off"),
        (SELECTED, 9090, None),
    ]


@pytest.mark.parametrize(
    ("spec", "path", "target"),
    [
        ({"portLevelMtls": {"80": {}}}, "spec.portLevelMtls", Target("namespace", "shop")),
        ({"selector": {}, "portLevelMtls": {"80": {}}}, "spec.portLevelMtls", Target("namespace", "shop")),
        ({"selector": SELECTOR, "portLevelMtls": {"0": {}}}, 'spec.portLevelMtls["0"]', SELECTED),
        ({"selector": SELECTOR, "portLevelMtls": {"http": {}}}, "spec.portLevelMtls.http", SELECTED),
        ({"selector": {"matchLabels": {"app": "*"}}}, "spec.selector.matchLabels.app", Target("namespace", "shop")),
    ],
)
def test_a_refused_policy_is_strict(spec: dict[str, Any], path: str, target: Target) -> None:
    result = compiled("PeerAuthentication", {"mtls": {"mode": "DISABLE"}, **spec})
    assert problems(result) == [("IST0106", path)]
    assert _modes(result.fragments) == [(target, "require")]


@pytest.mark.parametrize(
    ("spec", "namespace", "target"),
    [
        ({"mode": "DISABLE"}, "shop", Target("namespace", "shop")),
        ({"selector": SELECTOR, "mtls": {"mode": "OFF"}}, "shop", SELECTED),
        ({"selector": "app=api", "mtls": {"mode": "DISABLE"}}, "shop", Target("namespace", "shop")),
        ([], ROOT, Target("mesh")),
    ],
)
def test_an_unreadable_policy_is_strict(spec: Any, namespace: str, target: Target) -> None:
    result = compiled("PeerAuthentication", spec, namespace=namespace)
    assert problems(result) == [("WEFT0301", "spec")]
    assert _modes(result.fragments) == [(target, "require")]


def test_a_selector_in_the_root_namespace_is_ignored_and_reported() -> None:
    result = compiled("PeerAuthentication", {"selector": SELECTOR, "mtls": {"mode": "STRICT"}}, namespace=ROOT)
    assert result.fragments == ()
    assert problems(result) == [("IST0167", "spec.selector")]


def test_request_authentication_is_reported_as_not_enforced() -> None:
    rules = [{"issuer": "a", "jwksUri": "https://a/keys", "fromHeaders": [{"name": "x", "prefix": "y "}]}]
    result = compiled("RequestAuthentication", {"selector": SELECTOR, "jwtRules": rules})
    assert result.fragments == ()
    assert problems(result) == [("WEFT0304", "spec.jwtRules")]
    assert "without tokens" in result.issues[0].message


def _modes(fragments: tuple[object, ...]) -> list[tuple[Target, str | None]]:
    return [(each.target, each.mutual) for each in fragments if isinstance(each, Authentication)]
