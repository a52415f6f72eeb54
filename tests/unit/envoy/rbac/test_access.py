"""Authorizations become filters: which stages there are, what they are named, and that nothing opens by mistake."""

from typing import Any

import pytest
from msgspec.structs import replace

from weft.base import protobuf
from weft.base.provenance import Provenance
from weft.envoy.rbac.http import ALLOW, AUDIT, DENY, access_filters, route_access
from weft.envoy.rbac.names import closed_by, policy_name
from weft.envoy.rbac.network import access_network_filters
from weft.ir.access import Authorization, AuthzRule
from weft.ir.values import Condition, Target

METHOD = Condition("request.method", (("exact", "GET"),))
PEER = Condition("peer.namespace", (("exact", "a"),))
TIERS = {"allow": 2, "deny": 1, "log": 1}
ANYONE = {"permissions": [{"any": True}], "principals": [{"any": True}]}
NO_ONE = {"permissions": [{"any": True}], "principals": [{"notId": {"any": True}}]}


def policy(action: Any, *conditions: Condition, name: str = "p", **fields: Any) -> Authorization:
    """A policy of one rule, as Istio's actions become."""
    source = Provenance("AuthorizationPolicy", "shop", name, path="spec.rules[0]")
    unparsed: Any = "skip" if action == "allow" else "widen"
    rules = (AuthzRule(source, action, conditions=conditions, unparsed=unparsed),)
    stated: dict[str, Any] = {"gate": "request", "tier": TIERS[action], "rules": rules, "closes": action == "allow"}
    return Authorization(source=replace(source, path=""), direction="in", target=Target("mesh"), **stated | fields)


def per_route(*authorizations: Authorization) -> dict[str, Any]:
    """What routes carry, by filter, in JSON."""
    configs = route_access(authorizations).typed_per_filter_config
    return {name: protobuf.to_dict(protobuf.unpack(config))["rbac"] for name, config in configs.items()}


def network(*authorizations: Authorization) -> dict[str, Any]:
    """Network filters by name, in JSON."""
    found = [protobuf.to_dict(each) for each in access_network_filters(authorizations)]
    return {each["name"]: each["typedConfig"] for each in found}


def test_every_chain_has_the_three_filters_in_order() -> None:
    found: list[Any] = list(access_filters())
    assert [each.name for each in found] == [AUDIT, DENY, ALLOW]
    assert all(each.disabled for each in found), "the configuration of a route enables them"
    assert not any(protobuf.to_dict(protobuf.unpack(each.typed_config)).get("rules") for each in found)


def test_without_policies_routes_carry_nothing() -> None:
    assert route_access(()).fields() == {}
    assert access_network_filters(()) == []


def test_each_action_has_its_stage() -> None:
    found = per_route(policy("allow", name="a"), policy("deny", name="d"), policy("log", name="l"))
    assert {
        name: (each["rules"].get("action", "ALLOW"), *each["rules"]["policies"]) for name, each in found.items()
    } == {
        AUDIT: ("LOG", "ns[shop]-policy[l]-rule[0]"),
        DENY: ("DENY", "ns[shop]-policy[d]-rule[0]"),
        ALLOW: ("ALLOW", "ns[shop]-policy[a]-rule[0]"),
    }


def test_what_closes_without_rules_refuses_all_and_is_named_on_the_route() -> None:
    closing = [policy("allow", name=name, rules=()) for name in ("one", "two")]
    assert per_route(*closing) == {ALLOW: {"rules": {}, "shadowRulesStatPrefix": "istio_dry_run_allow_"}}
    metadata = route_access(closing).fields()["metadata"]["filter_metadata"]["weft.access"]
    assert protobuf.to_dict(metadata) == {"closed_by": "ns[shop]-policy[one],ns[shop]-policy[two]"}
    assert closed_by([*closing, policy("deny")]) == "ns[shop]-policy[one],ns[shop]-policy[two]"


def test_dry_runs_are_shadow_rules_and_close_nothing() -> None:
    found = per_route(policy("allow", enforced=False), policy("deny", enforced=False), policy("log", enforced=False))
    assert {name: ("rules" in each, each["shadowRulesStatPrefix"]) for name, each in found.items()} == {
        DENY: (False, "istio_dry_run_deny_"),
        ALLOW: (False, "istio_dry_run_allow_"),
    }
    assert closed_by([policy("allow", enforced=False)]) == ""


def test_two_rules_of_one_name_are_both_kept() -> None:
    """Were one lost, a denial would be."""
    both = per_route(policy("deny", PEER), policy("deny", METHOD))
    assert len(both[DENY]["rules"]["policies"]) == 2


def test_a_rule_is_sources_and_operations_and_conditions() -> None:
    rule = AuthzRule(
        Provenance("P", "n", "p"), "allow", sources=((PEER,), ()), operations=((METHOD,),), conditions=(PEER, METHOD)
    )
    (built,) = per_route(policy("allow", rules=(rule,)))[ALLOW]["rules"]["policies"].values()
    peer = {"authenticated": {"principalName": {"safeRegex": {"regex": "spiffe://[^/]+/ns/a/sa/[^/]+"}}}}
    method = {"header": {"name": ":method", "stringMatch": {"exact": "GET"}}}
    assert built == {
        "permissions": [{"andRules": {"rules": [method, method]}}],
        "principals": [{"andIds": {"ids": [peer, {"orIds": {"ids": [peer, {"any": True}]}}]}}],
    }


def test_an_empty_list_of_alternatives_matches_no_one() -> None:
    rule = AuthzRule(Provenance("P", "n", "p"), "allow", sources=())
    (built,) = per_route(policy("allow", rules=(rule,)))[ALLOW]["rules"]["policies"].values()
    assert built == NO_ONE


@pytest.mark.parametrize(("action", "stage", "matches"), [("allow", ALLOW, NO_ONE), ("deny", DENY, ANYONE)])
def test_a_condition_that_envoy_can_not_judge_never_opens(action: str, stage: str, matches: dict[str, Any]) -> None:
    (built,) = per_route(policy(action, Condition("route", (("exact", "r"),))))[stage]["rules"]["policies"].values()
    assert built == matches


def test_on_bytes_an_allow_of_requests_is_left_out_and_a_deny_is_widened() -> None:
    found = network(policy("allow", METHOD), policy("deny", METHOD))
    assert "policies" not in found[ALLOW]["rules"]
    assert found[DENY]["rules"]["policies"] == {"ns[shop]-policy[p]-rule[0]": ANYONE}


def test_on_bytes_an_audit_is_a_dry_run_too_so_that_logs_can_name_it() -> None:
    audit = network(policy("log"))[AUDIT]
    assert audit["rules"] == audit["shadowRules"]
    assert audit["shadowRulesStatPrefix"] == "weft_audit_"


@pytest.mark.parametrize(
    "fields",
    [
        {"gate": "port"},
        {"gate": "network"},
        {"tier": 3},
        {"tier": 1},
        {"closes": False},
        {"rules": (AuthzRule(Provenance("P", "n", "p"), "deny"),)},
        {"rules": (AuthzRule(Provenance("P", "n", "p"), "pass"),)},
        {"rules": (AuthzRule(Provenance("P", "n", "p"), "allow", order=1),)},
    ],
)
def test_what_the_stages_can_not_express_is_refused(fields: dict[str, Any]) -> None:
    for build in (route_access, access_network_filters):
        with pytest.raises(ValueError, match=r"ns\[shop\]-policy\[p\]"):
            build((policy("allow", **fields),))


def test_equal_policies_give_equal_bytes() -> None:
    def built() -> bytes:
        return b"".join(map(protobuf.serialize, access_network_filters((policy("allow", PEER), policy("deny", PEER)))))

    assert built() == built()


def test_names_have_istio_s_form() -> None:
    source = Provenance("AuthorizationPolicy", "shop", "p", path="spec.rules[12]")
    assert policy_name(source) == "ns[shop]-policy[p]-rule[12]"
    assert policy_name(replace(source, path="")) == "ns[shop]-policy[p]"
