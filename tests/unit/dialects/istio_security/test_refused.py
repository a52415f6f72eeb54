"""What Istio's validation refuses is refused, and fails closed; so does what can't be read."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.dialects.istio_security.policies import ROOT, Settings, only_authorization, policy, problems

from weft.dialects.istio.security import BROKEN
from weft.ir.access import Authorization
from weft.ir.values import Selector, Target
from weft.model.istio_security import AUTHORIZATION_POLICY
from weft.model.objects import Broken, Metadata

SELECTED = Target("workloads", "shop", select=Selector(("shop",), labels=(("app", "in", ("api",)),)))
SELECTOR = {"matchLabels": {"app": "api"}}

SOURCE = "spec.rules[0].from[0].source"
OPERATION = "spec.rules[0].to[0].operation"
REFUSED_RULES = [
    ("from: []", "spec.rules[0].from"),
    ("to: []", "spec.rules[0].to"),
    ("from: [{}]", SOURCE),
    ("from: [{source: {}}]", SOURCE),
    ("from: [{source: {principals: []}}]", SOURCE),
    ("to: [{}]", OPERATION),
    ("from: [{source: {principals: ['']}}]", f"{SOURCE}.principals[0]"),
    ('from: [{source: {principals: ["a\\u0000"]}}]', f"{SOURCE}.principals[0]"),
    ("from: [{source: {ipBlocks: [10.0.0.0/8, 10.0.0.0/33]}}]", f"{SOURCE}.ipBlocks[1]"),
    ("from: [{source: {ipBlocks: [10.0.0.0/255.0.0.0]}}]", f"{SOURCE}.ipBlocks[0]"),
    ("from: [{source: {notIpBlocks: [host]}}]", f"{SOURCE}.notIpBlocks[0]"),
    ("from: [{source: {remoteIpBlocks: [1.2.3]}}]", f"{SOURCE}.remoteIpBlocks[0]"),
    ("from: [{source: {notRemoteIpBlocks: ['fe80::1%eth0']}}]", f"{SOURCE}.notRemoteIpBlocks[0]"),
    ("from: [{source: {serviceAccounts: ['a*']}}]", f"{SOURCE}.serviceAccounts[0]"),
    ("from: [{source: {serviceAccounts: [a/b/c]}}]", f"{SOURCE}.serviceAccounts[0]"),
    ("from: [{source: {serviceAccounts: [a], namespaces: [b]}}]", f"{SOURCE}.namespaces"),
    ("from: [{source: {notServiceAccounts: [a], notPrincipals: [b]}}]", f"{SOURCE}.notPrincipals"),
    (f"from: [{{source: {{serviceAccounts: {[f'a{n}' for n in range(17)]}}}}}]", f"{SOURCE}.serviceAccounts"),
    (f"from: [{{source: {{namespaces: [{'a' * 254}]}}}}]", f"{SOURCE}.namespaces[0]"),
    ("to: [{operation: {ports: [http]}}]", f"{OPERATION}.ports[0]"),
    ("to: [{operation: {notPorts: ['65536']}}]", f"{OPERATION}.notPorts[0]"),
    ("to: [{operation: {ports: ['+80']}}]", f"{OPERATION}.ports[0]"),
    ("to: [{operation: {paths: ['/{id}']}}]", f"{OPERATION}.paths[0]"),
    ("to: [{operation: {paths: ['/a{*}']}}]", f"{OPERATION}.paths[0]"),
    ("to: [{operation: {paths: ['/{**}/{*}']}}]", f"{OPERATION}.paths[0]"),
    ("to: [{operation: {paths: ['/a*/{*}']}}]", f"{OPERATION}.paths[0]"),
    ("to: [{operation: {paths: ['{*}']}}]", f"{OPERATION}.paths[0]"),
    ("to: [{operation: {paths: ['//{*}']}}]", f"{OPERATION}.paths[0]"),
    ("to: [{operation: {paths: ['/a//{*}']}}]", f"{OPERATION}.paths[0]"),
    (f"to: [{{operation: {{notPaths: ['/{'a' * 256}/{{*}}']}}}}]", f"{OPERATION}.notPaths[0]"),
    ("when: [{values: [a]}]", "spec.rules[0].when[0].key"),
    ("when: [{key: source.user, values: [a]}]", "spec.rules[0].when[0].key"),
    ("when: [{key: request.headers, values: [a]}]", "spec.rules[0].when[0].key"),
    ("when: [{key: 'request.headers[]', values: [a]}]", "spec.rules[0].when[0].key"),
    ("when: [{key: 'request.headers[x y]', values: [a]}]", "spec.rules[0].when[0].key"),
    ("when: [{key: source.namespace}]", "spec.rules[0].when[0]"),
    ("when: [{key: source.ip, values: [a]}]", "spec.rules[0].when[0].values[0]"),
    ("when: [{key: destination.port, notValues: [a]}]", "spec.rules[0].when[0].notValues[0]"),
]
REFUSED_SPECS = [
    ({"provider": {"name": "p"}}, "spec.provider"),
    ({"action": "CUSTOM", "rules": [{}]}, "spec.provider.name"),
    (
        {"action": "CUSTOM", "provider": {"name": "p"}, "rules": [{"from": [{"source": {"principals": ["a"]}}]}]},
        f"{SOURCE}.principals",
    ),
    (
        {
            "action": "CUSTOM",
            "provider": {"name": "p"},
            "rules": [{"when": [{"key": "request.auth.principal", "values": ["a"]}]}],
        },
        "spec.rules[0].when[0].key",
    ),
    ({"selector": {"matchLabels": {"app": "a*"}}}, "spec.selector.matchLabels.app"),
    ({"selector": {"matchLabels": {"": "a"}}}, 'spec.selector.matchLabels[""]'),
    ({"targetRefs": [{"kind": "Service"}]}, "spec.targetRefs[0].name"),
    ({"targetRefs": [{"kind": "Service", "name": "a", "namespace": "b"}]}, "spec.targetRefs[0].namespace"),
    ({"targetRef": {"kind": "Pod", "name": "a"}}, "spec.targetRef.kind"),
    ({"selector": SELECTOR, "targetRefs": [{"kind": "Service", "name": "a"}]}, "spec.selector"),
]


@pytest.mark.parametrize(("text", "path"), REFUSED_RULES)
def test_a_refused_rule_is_named_and_the_policy_closes(text: str, path: str) -> None:
    result = policy(f"selector: {{matchLabels: {{app: api}}}}\nrules:\n- {text}\n- {{}}")
    assert problems(result) == [("IST0106", path)]
    found = only_authorization(result)
    assert (found.target, found.tier, found.rules, found.closes) == (SELECTED, 2, (), True)


@pytest.mark.parametrize(("spec", "path"), REFUSED_SPECS)
def test_a_refused_policy_names_the_field(spec: dict[str, Any], path: str) -> None:
    assert ("IST0106", path) in problems(policy(spec))


@pytest.mark.parametrize("action", ["DENY", "CUSTOM"])
def test_a_refused_policy_that_restricts_denies_everything(action: str) -> None:
    found = only_authorization(policy({"action": action, "selector": SELECTOR, "rules": [{"to": []}], "provider": {}}))
    (only,) = found.rules
    assert (found.target, only.action, only.sources, only.operations, only.conditions) == (
        SELECTED,
        "deny",
        None,
        None,
        (),
    )


def test_a_refused_audit_decides_nothing() -> None:
    assert policy({"action": "AUDIT", "rules": [{"to": []}]}).fragments == ()


def test_a_refused_dry_run_stays_one() -> None:
    assert not only_authorization(policy({"rules": [{"to": []}]}, dry_run="true")).enforced


@pytest.mark.parametrize(
    ("spec", "tier", "denies"),
    [
        ({"rulez": []}, 2, False),
        ({"action": None, "rulez": []}, 2, False),
        ({"action": "DENY", "rules": {}}, 1, True),
        ({"action": "deny", "rules": []}, 1, True),
        ({"action": ["DENY"], "rules": []}, 1, True),
        ("deny", 1, True),
        ([], 1, True),
    ],
)
def test_an_unreadable_policy_closes_by_what_can_be_read_of_its_action(spec: Any, tier: int, denies: bool) -> None:
    result = policy(spec)
    found = only_authorization(result)
    assert (found.tier, found.closes, [each.action for each in found.rules]) == (tier, not denies, ["deny"] * denies)
    assert found.target == Target("namespace", "shop")
    assert problems(result) == [("WEFT0301", "spec")]


@pytest.mark.parametrize(
    ("selecting", "targets"),
    [
        ({"selector": SELECTOR}, [SELECTED]),
        ({"selector": {"matchLabels": {"app": 1}}}, [Target("namespace", "shop")]),
        ({"selector": {"labels": {"app": "api"}}}, [Target("namespace", "shop")]),
        ({"selector": {"matchLabels": {"app": "*"}}}, [Target("namespace", "shop")]),
        ({"targetRefs": [{"kind": "Service", "name": "a"}]}, [Target("service", "shop", "a")]),
        ({"targetRefs": 7}, [Target("namespace", "shop")]),
        ({"targetRefs": [{}]}, [Target("namespace", "shop")]),
        ({"targetRefs": [{"kind": "Service"}]}, [Target("namespace", "shop")]),
        ({"targetRef": {"kind": "Service", "name": "a"}, "selector": SELECTOR}, [SELECTED]),
    ],
)
def test_an_unreadable_policy_closes_what_can_be_read_of_its_targets(
    selecting: dict[str, Any], targets: list[Target]
) -> None:
    result = policy({**selecting, "rulez": []})
    assert [each.target for each in result.fragments if isinstance(each, Authorization)] == targets


def test_an_unreadable_policy_of_the_root_namespace_closes_the_mesh() -> None:
    assert only_authorization(policy({"rulez": []}, namespace=ROOT)).target == Target("mesh")


def test_a_policy_of_which_nothing_is_left_denies_everything() -> None:
    broken = Broken(AUTHORIZATION_POLICY.key, Metadata(name="subject", namespace="shop"), {})
    found = only_authorization(BROKEN[AUTHORIZATION_POLICY.key](broken, Settings()))
    assert [each.action for each in found.rules] == ["deny"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
SPECS = st.fixed_dictionaries(
    {"rulez": JSON},
    optional={"action": JSON | st.sampled_from(["ALLOW", "DENY"]), "selector": JSON, "targetRefs": JSON, "rules": JSON},
)


@given(SPECS)
def test_whatever_is_written_something_closes_in_the_policy_s_namespace(spec: dict[str, Any]) -> None:
    found = only_authorization(policy(spec))
    assert found.closes or [each.action for each in found.rules] == ["deny"]
    assert found.target.namespace == "shop"
