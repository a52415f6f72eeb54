"""Every field of a rule becomes the condition that the API documentation says."""

import pytest
from tests.unit.dialects.istio_security.policies import authorization, policy, problems, rule

from weft.ir.values import Condition

IN_SOURCE = [
    ("principals: [td.example/ns/a/sa/b]", Condition("peer.identity", (("exact", "spiffe://td.example/ns/a/sa/b"),))),
    (
        "principals: [cluster.local/ns/a/sa/b]",
        Condition("peer.identity", (("exact", "spiffe://td.example/ns/a/sa/b"),)),
    ),
    ('principals: ["cluster.local/ns/a/*"]', Condition("peer.identity", (("prefix", "spiffe://td.example/ns/a/"),))),
    ('principals: ["*/sa/b"]', Condition("peer.identity", (("suffix", "/sa/b"),))),
    ('principals: ["*"]', Condition("peer.identity", (("present", ""),))),
    ("notPrincipals: [x/ns/a/sa/b]", Condition("peer.identity", None, (("exact", "spiffe://x/ns/a/sa/b"),))),
    ("namespaces: [b, a, b]", Condition("peer.namespace", (("exact", "a"), ("exact", "b")))),
    ('notNamespaces: ["a*", "*b"]', Condition("peer.namespace", None, (("prefix", "a"), ("suffix", "b")))),
    ('namespaces: ["a*b"]', Condition("peer.namespace", (("glob", "a*b"),))),
    ("serviceAccounts: [own]", Condition("peer.account", (("exact", "shop/own"),))),
    ("serviceAccounts: [jobs/batch]", Condition("peer.account", (("exact", "jobs/batch"),))),
    ("notServiceAccounts: [own]", Condition("peer.account", None, (("exact", "shop/own"),))),
    ("ipBlocks: [10.0.0.0/8, 1.2.3.4]", Condition("peer.address", ("1.2.3.4", "10.0.0.0/8"))),
    ('notIpBlocks: ["fd00::/8"]', Condition("peer.address", None, ("fd00::/8",))),
    ("remoteIpBlocks: [1.2.3.4]", Condition("client.address", ("1.2.3.4",))),
    ("notRemoteIpBlocks: [1.2.3.4]", Condition("client.address", None, ("1.2.3.4",))),
    ('trustDomains: ["td.*"]', Condition("peer.domain", (("prefix", "td."),))),
    ("notTrustDomains: [x]", Condition("peer.domain", None, (("exact", "x"),))),
]
IN_OPERATION = [
    ('hosts: [Shop.IO, "*.IO"]', Condition("request.host", (("exact", "shop.io"), ("suffix", ".io")))),
    ('notHosts: ["shop:*"]', Condition("request.host", None, (("prefix", "shop:"),))),
    ('ports: ["8080"]', Condition("port", ("tcp:8080",))),
    ('notPorts: ["080"]', Condition("port", None, ("tcp:80",))),
    ("methods: [GET]", Condition("request.method", (("exact", "GET"),))),
    ('notMethods: ["P*"]', Condition("request.method", None, (("prefix", "P"),))),
    ('paths: ["/a*", "/b/{*}/{**}", "*"]', Condition(
        "request.path", (("prefix", "/a"), ("present", ""), ("template", "/b/{*}/{**}"))
    )),
    ("notPaths: [/a]", Condition("request.path", None, (("exact", "/a"),))),
]  # fmt: skip
IN_WHEN = [
    ("key: source.ip, values: [1.2.3.4]", Condition("peer.address", ("1.2.3.4",))),
    ("key: remote.ip, notValues: [1.2.3.4]", Condition("client.address", None, ("1.2.3.4",))),
    ("key: source.namespace, values: [a]", Condition("peer.namespace", (("exact", "a"),))),
    ("key: source.principal, values: ['*']", Condition("peer.identity", (("present", ""),))),
    ("key: source.serviceAccount, values: [a/b]", Condition("peer.account", (("exact", "a/b"),))),
    ("key: source.trustDomain, values: [a]", Condition("peer.domain", (("exact", "a"),))),
    ("key: destination.ip, values: [1.2.3.4]", Condition("local.address", ("1.2.3.4",))),
    ("key: destination.port, values: ['80']", Condition("port", ("tcp:80",))),
    ("key: connection.sni, values: ['*.a']", Condition("tls.name", (("suffix", ".a"),))),
    (
        "key: 'request.headers[X-User]', values: [a], notValues: [b]",
        Condition("request.header:x-user", (("exact", "a"),), (("exact", "b"),)),
    ),
]
OF_TOKENS = [
    ("key: request.auth.principal, values: ['a/*']", Condition("token.principal", (("prefix", "a/"),))),
    ("key: request.auth.audiences, values: [a]", Condition("token.audience", (("exact", "a"),))),
    ("key: request.auth.presenter, values: [a]", Condition("token.presenter", (("exact", "a"),))),
    ("key: 'request.auth.claims[a][b.c]', values: [d]", Condition("token.claim:[a][b.c]", (("exact", "d"),))),
]


@pytest.mark.parametrize(("field", "condition"), IN_SOURCE)
def test_a_field_of_a_source_is_a_condition_on_the_peer(field: str, condition: Condition) -> None:
    assert rule(f"from: [{{source: {{{field}}}}}]").sources == ((condition,),)


@pytest.mark.parametrize(("field", "condition"), IN_OPERATION)
def test_a_field_of_an_operation_is_a_condition_on_what_is_asked(field: str, condition: Condition) -> None:
    assert rule(f"to: [{{operation: {{{field}}}}}]").operations == ((condition,),)


@pytest.mark.parametrize(("entry", "condition"), IN_WHEN)
def test_an_attribute_is_a_condition_of_the_whole_rule(entry: str, condition: Condition) -> None:
    assert rule(f"when: [{{{entry}}}]").conditions == (condition,)


@pytest.mark.parametrize(("entry", "condition"), OF_TOKENS)
def test_conditions_on_tokens_are_kept_and_reported(entry: str, condition: Condition) -> None:
    result = policy(f"rules: [{{when: [{{{entry}}}]}}]")
    (found,) = result.fragments
    assert found.rules[0].conditions == (condition,)  # type: ignore[union-attr]
    assert problems(result) == [("WEFT0304", "spec.rules[0]")]


def test_request_principals_are_conditions_on_tokens() -> None:
    result = policy("rules: [{from: [{source: {requestPrincipals: [a/b], notRequestPrincipals: ['*']}}]}]")
    (found,) = result.fragments
    condition = Condition("token.principal", (("exact", "a/b"),), (("present", ""),))
    assert found.rules[0].sources == ((condition,),)  # type: ignore[union-attr]
    assert problems(result) == [("WEFT0304", "spec.rules[0]")]


def test_fields_of_one_entry_hold_together_and_entries_are_alternatives() -> None:
    found = rule(
        """
        from:
        - source: {namespaces: [a], ipBlocks: [1.2.3.4]}
        - source: {namespaces: [b]}
        """
    )
    assert found.sources == (
        (Condition("peer.namespace", (("exact", "a"),)), Condition("peer.address", ("1.2.3.4",))),
        (Condition("peer.namespace", (("exact", "b"),)),),
    )
    assert (found.operations, found.conditions) == (None, ())


def test_an_empty_rule_matches_everything_and_no_rules_match_nothing() -> None:
    (everything,) = authorization({"rules": [{}]}).rules
    assert (everything.sources, everything.operations, everything.conditions) == (None, None, ())
    assert authorization({}).rules == ()


def test_a_rule_names_its_place() -> None:
    rules = authorization({"rules": [{}, {}]}).rules
    assert [(each.source.kind, each.source.path) for each in rules] == [
        ("AuthorizationPolicy", "spec.rules[0]"),
        ("AuthorizationPolicy", "spec.rules[1]"),
    ]


@pytest.mark.parametrize(("action", "rules"), [("ALLOW", 0), ("DENY", 1), ("AUDIT", 1)])
def test_what_can_not_be_judged_never_allows(action: str, rules: int) -> None:
    result = policy(
        f"{{action: {action}, rules: [{{when: [{{key: 'experimental.envoy.filters.a[b]', values: [c]}}]}}]}}"
    )
    (found,) = result.fragments
    assert len(found.rules) == rules  # type: ignore[union-attr]
    assert problems(result) == [("WEFT0303", "spec.rules[0].when")]
