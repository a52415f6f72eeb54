"""The policies that are tried: a table that takes every field once, and mixtures of fields drawn by chance."""

import random
from typing import Any

import yaml
from tests.unit.dialects.istio_security.policies import SETTINGS, policy

from weft.ir.access import Authorization
from weft.ir.settings import WorkloadClass
from weft.mesh.access.authorization import authorizations_for

DOMAINS = (SETTINGS.trust_domain.name, *SETTINGS.trust_domain.aliases)
SERVER = WorkloadClass(namespace="shop", labels=(("app", "api"),))

TABLE = """
nothing:                    []
allow nothing:              [{}]
allow all:                  [{rules: [{}]}]
deny all:                   [{action: DENY, rules: [{}]}]
deny without rules:         [{action: DENY}]
principal:                  [{rules: [{from: [{source: {principals: [td.example/ns/shop/sa/web]}}]}]}]
principal of the pointer:   [{rules: [{from: [{source: {principals: [cluster.local/ns/shop/sa/web]}}]}]}]
principal of the alias:     [{rules: [{from: [{source: {principals: [old.example/ns/shop/sa/web]}}]}]}]
principal of a stranger:    [{rules: [{from: [{source: {principals: [foreign.example/ns/shop/sa/web]}}]}]}]
principal by prefix:        [{rules: [{from: [{source: {principals: ["td.example/ns/sh*"]}}]}]}]
principal by half a domain: [{rules: [{from: [{source: {principals: ["old*"]}}]}]}]
principal by suffix:        [{rules: [{from: [{source: {principals: ["*/sa/batch"]}}]}]}]
principal by domain's end:  [{rules: [{from: [{source: {principals: ["*d.example/ns/shop/sa/web"]}}]}]}]
any principal:              [{rules: [{from: [{source: {principals: ["*"]}}]}]}]
no principal:               [{action: DENY, rules: [{from: [{source: {notPrincipals: ["*"]}}]}]}]
not one principal:          [{action: DENY, rules: [{from: [{source: {notPrincipals: [td.example/ns/shop/sa/web]}}]}]}]
namespace:                  [{rules: [{from: [{source: {namespaces: [jobs]}}]}]}]
namespace by prefix:        [{rules: [{from: [{source: {namespaces: ["sh*"]}}]}]}]
namespace by suffix:        [{rules: [{from: [{source: {namespaces: ["*obs"]}}]}]}]
namespace by its middle:    [{rules: [{from: [{source: {namespaces: ["j*b*s"]}}]}]}]
namespace is no regex:      [{rules: [{from: [{source: {namespaces: ["j.bs"]}}]}]}]
any namespace:              [{rules: [{from: [{source: {namespaces: ["*"]}}]}]}]
not a namespace:            [{action: DENY, rules: [{from: [{source: {notNamespaces: [shop]}}]}]}]
own account:                [{rules: [{from: [{source: {serviceAccounts: [web]}}]}]}]
foreign account:            [{rules: [{from: [{source: {serviceAccounts: [jobs/batch]}}]}]}]
not an account:             [{rules: [{from: [{source: {notServiceAccounts: [web]}}]}]}]
trust domain:               [{rules: [{from: [{source: {trustDomains: [td.example]}}]}]}]
trust domain of the alias:  [{rules: [{from: [{source: {trustDomains: [old.example]}}]}]}]
not a trust domain:         [{rules: [{from: [{source: {notTrustDomains: [foreign.example]}}]}]}]
address:                    [{rules: [{from: [{source: {ipBlocks: [127.0.0.9]}}]}]}]
block:                      [{rules: [{from: [{source: {ipBlocks: [127.0.0.8/29], notIpBlocks: [127.0.0.8/32]}}]}]}]
block of the other family:  [{rules: [{from: [{source: {ipBlocks: ["::/0"]}}]}]}]
not a block:                [{action: DENY, rules: [{from: [{source: {notIpBlocks: [127.0.0.1]}}]}]}]
client's address:           [{rules: [{from: [{source: {remoteIpBlocks: [10.0.0.0/8]}}]}]}]
not a client's address:     [{rules: [{from: [{source: {notRemoteIpBlocks: [10.0.0.0/8]}}]}]}]
any token:                  [{rules: [{from: [{source: {requestPrincipals: ["*"]}}]}]}]
no token:                   [{action: DENY, rules: [{from: [{source: {notRequestPrincipals: ["*"]}}]}]}]
claim:                      [{rules: [{when: [{key: "request.auth.claims[a][b]", values: [c]}]}]}]
sources are alternatives:   [{rules: [{from: [{source: {namespaces: [jobs]}}, {source: {ipBlocks: [127.0.0.9]}}]}]}]
fields are conjunctive:     [{rules: [{from: [{source: {namespaces: [shop], ipBlocks: [127.0.0.9]}}]}]}]
host:                       [{rules: [{to: [{operation: {hosts: [SHOP.test]}}]}]}]
host with any port:         [{rules: [{to: [{operation: {hosts: [shop.test, "shop.test:*"]}}]}]}]
host by suffix:             [{rules: [{to: [{operation: {hosts: ["*.Test"]}}]}]}]
any host:                   [{rules: [{to: [{operation: {hosts: ["*"]}}]}]}]
not a host:                 [{action: DENY, rules: [{to: [{operation: {notHosts: [shop.test]}}]}]}]
port:                       [{rules: [{to: [{operation: {ports: ["9090"]}}]}]}]
not a port:                 [{rules: [{to: [{operation: {notPorts: ["9090", "80"]}}]}]}]
method:                     [{rules: [{to: [{operation: {methods: [GET]}}]}]}]
method has a case:          [{rules: [{to: [{operation: {methods: [get]}}]}]}]
method by prefix:           [{rules: [{to: [{operation: {methods: ["D*"]}}]}]}]
not a method:               [{action: DENY, rules: [{to: [{operation: {notMethods: [GET]}}]}]}]
path:                       [{rules: [{to: [{operation: {paths: [/admin]}}]}]}]
path by prefix:             [{rules: [{to: [{operation: {paths: ["/admin*"]}}]}]}]
path by suffix:             [{rules: [{to: [{operation: {paths: ["*/b"]}}]}]}]
path is no regex:           [{rules: [{to: [{operation: {paths: ["/a.b"]}}]}]}]
any path:                   [{rules: [{to: [{operation: {paths: ["*"]}}]}]}]
not a path:                 [{action: DENY, rules: [{to: [{operation: {notPaths: ["/admin*"]}}]}]}]
one segment:                [{rules: [{to: [{operation: {paths: ["/a/{*}"]}}]}]}]
a segment in the middle:    [{rules: [{to: [{operation: {paths: ["/a/{*}/c"]}}]}]}]
any number of segments:     [{rules: [{to: [{operation: {paths: ["/a/{**}"]}}]}]}]
both kinds of segments:     [{rules: [{to: [{operation: {paths: ["/{*}/{**}"]}}]}]}]
segments before an end:     [{rules: [{to: [{operation: {paths: ["/{**}/c"]}}]}]}]
header:                     [{rules: [{when: [{key: "request.headers[X-User]", values: [alice]}]}]}]
header by suffix:           [{rules: [{when: [{key: "request.headers[x-user]", values: ["*alice"]}]}]}]
any header:                 [{rules: [{when: [{key: "request.headers[x-user]", values: ["*"]}]}]}]
not a header:               [{action: DENY, rules: [{when: [{key: "request.headers[x-user]", notValues: [alice]}]}]}]
the path as a header:       [{rules: [{when: [{key: "request.headers[:path]", values: ["/admin?user=1"]}]}]}]
the host as a header:       [{rules: [{when: [{key: "request.headers[Host]", values: [shop.test]}]}]}]
when source.ip:             [{rules: [{when: [{key: source.ip, values: [127.0.0.9]}]}]}]
when remote.ip:             [{rules: [{when: [{key: remote.ip, values: [10.1.2.3]}]}]}]
when source.namespace:      [{rules: [{when: [{key: source.namespace, values: [shop], notValues: [jobs]}]}]}]
when source.principal:      [{rules: [{when: [{key: source.principal, values: ["*/sa/web"]}]}]}]
when source.serviceAccount: [{rules: [{when: [{key: source.serviceAccount, values: [shop/web]}]}]}]
when source.trustDomain:    [{rules: [{when: [{key: source.trustDomain, values: ["*.example"]}]}]}]
when destination.ip:        [{rules: [{when: [{key: destination.ip, values: [127.0.0.2]}]}]}]
when destination.port:      [{rules: [{when: [{key: destination.port, values: ["8080"]}]}]}]
when connection.sni:        [{rules: [{when: [{key: connection.sni, values: ["*.shop"]}]}]}]
any server name:            [{rules: [{when: [{key: connection.sni, values: ["*"]}]}]}]
not a server name:          [{action: DENY, rules: [{when: [{key: connection.sni, notValues: [api.shop]}]}]}]
unknown metadata, allow:    [{rules: [{when: [{key: "experimental.envoy.filters.x[y]", values: [z]}]}]}]
unknown metadata, deny:     [{action: DENY, rules: [{when: [{key: "experimental.envoy.filters.x[y]", values: [z]}]}]}]
deny before allow:
  - {action: DENY, rules: [{to: [{operation: {methods: [GET]}}]}]}
  - {rules: [{from: [{source: {principals: [td.example/ns/shop/sa/web]}}]}]}
allows unite:
  - {rules: [{from: [{source: {namespaces: [jobs]}}]}]}
  - {rules: [{to: [{operation: {methods: [POST]}}]}]}
  - {}
audit decides nothing:      [{action: AUDIT, rules: [{to: [{operation: {methods: [GET]}}]}]}]
custom refuses what it matches: [{action: CUSTOM, provider: {name: p}, rules: [{to: [{operation: {paths: [/admin]}}]}]}]
a bad allow closes:         [{rules: [{from: [{source: {ipBlocks: [nonsense]}}]}]}]
a bad deny denies:          [{action: DENY, rules: [{to: [{operation: {ports: [http]}}]}]}, {rules: [{}]}]
an unreadable policy denies: [{rulez: []}, {rules: [{}]}]
dry allow:                  [{dryRun: true, rules: [{from: [{source: {namespaces: [jobs]}}]}]}]
dry deny:                   [{dryRun: true, action: DENY, rules: [{to: [{operation: {methods: [GET]}}]}]}]
"""


def table() -> dict[str, tuple[Authorization, ...]]:
    """What is in force at SERVER, by the name of the case."""
    return {name: _in_force(specs) for name, specs in yaml.safe_load(TABLE).items()}


def mixtures(count: int) -> dict[str, tuple[Authorization, ...]]:
    """Cases drawn by chance, the same in every run."""
    chance = random.Random(20)
    return {f"mixture {number}": _in_force(_mixture(chance)) for number in range(count)}


def _in_force(specs: list[dict[str, Any]]) -> tuple[Authorization, ...]:
    fragments = [fragment for number, spec in enumerate(specs) for fragment in _compiled(f"policy-{number}", spec)]
    return authorizations_for(fragments, SERVER)


def _compiled(name: str, written: dict[str, Any]) -> list[Authorization]:
    spec = {key: value for key, value in written.items() if key != "dryRun"}
    compiled = policy(spec, name=name, dry_run="true" if written.get("dryRun") else "")
    return [fragment for fragment in compiled.fragments if isinstance(fragment, Authorization)]


_SOURCES: dict[str, list[str]] = {
    "principals": ["td.example/ns/shop/sa/web", "*/sa/batch", "*", "old.example/ns/*"],
    "namespaces": ["shop", "j*", "*", "*s"],
    "ipBlocks": ["127.0.0.1", "127.0.0.8/29", "0.0.0.0/0"],
    "remoteIpBlocks": ["10.0.0.0/8", "127.0.0.0/8"],
    "trustDomains": ["td.example", "foreign.example", "old.example"],
    "requestPrincipals": ["*"],
}
_OPERATIONS: dict[str, list[str]] = {
    "hosts": ["shop.test", "*.test", "shop.test:*", "*"],
    "ports": ["8080", "9090"],
    "methods": ["GET", "POST", "DEL*"],
    "paths": ["/admin*", "/a/{*}", "/a/{**}", "*/b", "*"],
}
_WHEN: dict[str, list[str]] = {
    "request.headers[x-user]": ["alice", "bob*", "*"],
    "source.namespace": ["shop", "jobs"],
    "destination.ip": ["127.0.0.2"],
    "connection.sni": ["api.shop", "*"],
}


def _mixture(chance: random.Random) -> list[dict[str, Any]]:
    return [
        {
            "action": chance.choice(("ALLOW", "ALLOW", "DENY")),
            "rules": [_rule(chance) for _ in range(chance.randint(1, 2))],
        }
        for _ in range(chance.randint(1, 3))
    ]


def _rule(chance: random.Random) -> dict[str, Any]:
    rule: dict[str, Any] = {}
    if chance.random() < 0.6:
        rule["from"] = [{"source": _fields(chance, _SOURCES)} for _ in range(chance.randint(1, 2))]
    if chance.random() < 0.6:
        rule["to"] = [{"operation": _fields(chance, _OPERATIONS)} for _ in range(chance.randint(1, 2))]
    if chance.random() < 0.4:
        key = chance.choice(list(_WHEN))
        rule["when"] = [{"key": key, chance.choice(("values", "notValues")): _some(chance, _WHEN[key])}]
    return rule


def _fields(chance: random.Random, pool: dict[str, list[str]]) -> dict[str, list[str]]:
    fields = {}
    for name in chance.sample(list(pool), chance.randint(1, 2)):
        written = name if chance.random() < 0.7 else f"not{name[0].upper()}{name[1:]}"
        fields[written] = _some(chance, pool[name])
    return fields


def _some(chance: random.Random, values: list[str]) -> list[str]:
    return chance.sample(values, chance.randint(1, min(2, len(values))))
