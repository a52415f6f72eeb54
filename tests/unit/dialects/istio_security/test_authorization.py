"""Actions, targets and dry runs of AuthorizationPolicy (IR 2.3)."""

import pytest
from tests.unit.dialects.istio_security.policies import (
    ROOT,
    authorization,
    issue,
    only_authorization,
    policy,
    problems,
)

from weft.ir.access import Authorization
from weft.ir.values import Selector, Target

GET = {"to": [{"operation": {"methods": ["GET"]}}]}


@pytest.mark.parametrize(
    ("action", "tier", "meaning", "unparsed", "closes"),
    [("ALLOW", 2, "allow", "skip", True), ("DENY", 1, "deny", "widen", False), ("AUDIT", 1, "log", "widen", False)],
)
def test_an_action_has_its_tier_and_its_way_with_bytes(
    action: str, tier: int, meaning: str, unparsed: str, closes: bool
) -> None:
    found = authorization({"action": action, "rules": [GET]})
    assert (found.gate, found.tier, found.direction, found.closes, found.enforced) == (
        "request",
        tier,
        "in",
        closes,
        True,
    )
    assert [(each.action, each.unparsed, each.order) for each in found.rules] == [(meaning, unparsed, 0)]


def test_custom_refuses_what_it_matches() -> None:
    result = policy({"action": "CUSTOM", "provider": {"name": "checker"}, "rules": [GET]})
    found = only_authorization(result)
    assert (found.tier, found.closes) == (0, False)
    assert [(each.action, each.unparsed) for each in found.rules] == [("deny", "widen")]
    assert found.rules[0].operations == authorization({"rules": [GET]}).rules[0].operations
    assert "checker" in issue(result).message
    assert problems(result) == [("WEFT0302", "spec.provider.name")]


@pytest.mark.parametrize("action", ["DENY", "AUDIT", "CUSTOM"])
def test_an_action_without_rules_has_no_effect_and_says_so(action: str) -> None:
    result = policy({"action": action})
    assert only_authorization(result).rules == ()
    assert not only_authorization(result).closes
    assert problems(result) == [("IST0167", "spec.rules")]


@pytest.mark.parametrize(
    ("namespace", "selector", "target"),
    [
        ("shop", None, Target("namespace", "shop")),
        ("shop", {}, Target("namespace", "shop")),
        ("shop", {"matchLabels": {}}, Target("namespace", "shop")),
        (ROOT, None, Target("mesh")),
        (
            "shop",
            {"matchLabels": {"b": "2", "a": "1"}},
            Target("workloads", "shop", select=Selector(("shop",), labels=(("a", "in", ("1",)), ("b", "in", ("2",))))),
        ),
        (
            ROOT,
            {"matchLabels": {"a": "1"}},
            Target("workloads", ROOT, select=Selector(None, labels=(("a", "in", ("1",)),))),
        ),
    ],
)
def test_a_policy_applies_to_what_namespace_and_selector_say(
    namespace: str, selector: dict[str, object] | None, target: Target
) -> None:
    assert authorization({"selector": selector}, namespace=namespace).target == target


@pytest.mark.parametrize(
    ("reference", "targets"),
    [
        ({"group": "", "kind": "Service", "name": "api"}, [Target("service", "shop", "api")]),
        ({"group": "networking.istio.io", "kind": "ServiceEntry", "name": "x"}, [Target("service", "shop", "x")]),
        ({"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "g"}, [Target("gateway", "shop", "g")]),
        ({"group": "gateway.networking.k8s.io", "kind": "GatewayClass", "name": "c"}, []),
    ],
)
def test_a_policy_with_targets_applies_to_no_workload(reference: dict[str, str], targets: list[Target]) -> None:
    for spec in ({"targetRefs": [reference]}, {"targetRef": reference}):
        result = policy(spec)
        found = [each.target for each in result.fragments if isinstance(each, Authorization)]
        assert found == targets
        assert problems(result) == [("IST0167", "spec.targetRefs")]


@pytest.mark.parametrize(("value", "enforced"), [("true", False), ("1", False), ("false", True), ("F", True)])
def test_a_dry_run_is_not_enforced(value: str, enforced: bool) -> None:
    assert authorization({}, dry_run=value).enforced is enforced


def test_an_unclear_dry_run_is_enforced() -> None:
    result = policy({}, dry_run="yes")
    assert only_authorization(result).enforced
    assert problems(result) == [("IST0125", 'metadata.annotations["istio.io/dry-run"]')]


def test_equal_meaning_is_an_equal_fragment() -> None:
    """Early cut-off: the order of values is no change."""
    first = authorization({"rules": [{"from": [{"source": {"namespaces": ["a", "b"]}}]}]})
    second = authorization({"rules": [{"from": [{"source": {"namespaces": ["b", "a", "b"]}}]}]})
    assert first == second
    assert hash(first) == hash(second)
