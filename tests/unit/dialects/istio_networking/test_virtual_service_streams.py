"""Rules of a VirtualService for connections: `tcp` and `tls`."""

from typing import Any

import pytest
from tests.unit.dialects.compiling import compiled, istio, only, refused

from weft.ir.routing import Backend, HttpMatch, RouteTable
from weft.ir.values import Selector

STORE = "store.shop.svc.cluster.local"
TO_STORE = "route: [{destination: {host: store}}]"


def table(spec: str) -> RouteTable:
    return only(compiled(service(spec)), RouteTable)


def service(spec: str) -> Any:
    return istio("VirtualService", spec)


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        ("port: 6379", HttpMatch(port=6379)),
        ("destinationSubnets: [10.1.0.7/16, 10.2.0.1]", HttpMatch(networks=("10.1.0.0/16", "10.2.0.1"))),
        ("destinationSubnets: [10.2.0.1/32]", HttpMatch(networks=("10.2.0.1",))),
        ("destinationSubnets: ['fd00::/8']", HttpMatch(networks=("fd00::/8",))),
        ("sourceSubnet: 10.3.0.0/24", HttpMatch(client_networks=("10.3.0.0/24",))),
        ("sourceLabels: {app: a}", HttpMatch(client=Selector(labels=(("app", "in", ("a",)),)))),
        ("sourceNamespace: tools", HttpMatch(client=Selector(namespaces=("tools",)))),
    ],
)
def test_matches_of_connections(match: str, expected: HttpMatch) -> None:
    found = table(f"{{hosts: [store], tcp: [{{match: [{{{match}}}], {TO_STORE}}}]}}")
    assert found.level == "stream"
    assert found.rules[0].matches == (expected,)


def test_connections_are_split_by_weight() -> None:
    route = "route: [{destination: {host: store, subset: v1}, weight: 1}, {destination: {host: store}, weight: 3}]"
    (rule,) = table(f"{{hosts: [store], tcp: [{{{route}}}]}}").rules
    assert (rule.matches, rule.backends) == (None, (Backend(STORE, None, "v1", 1), Backend(STORE, None, "", 3)))


def test_matches_of_server_names() -> None:
    spec = f"{{hosts: ['*.x.test'], tls: [{{match: [{{port: 443, sniHosts: [A.x.test, '*.y.x.test']}}], {TO_STORE}}}]}}"
    found = table(spec)
    assert found.level == "tls"
    assert found.rules[0].matches == (HttpMatch(port=443, tls_names=(("exact", "a.x.test"), ("glob", "*.y.x.test"))),)


def test_the_server_name_of_all_is_no_condition() -> None:
    spec = f"{{hosts: ['*'], gateways: [front], tls: [{{match: [{{port: 443, sniHosts: ['*']}}], {TO_STORE}}}]}}"
    assert table(spec).rules[0].matches == (HttpMatch(port=443),)


def test_each_level_is_a_table_of_its_own() -> None:
    spec = f"""
    hosts: [store]
    http: [{{{TO_STORE}}}]
    tls: [{{match: [{{sniHosts: [store.shop.svc.cluster.local]}}], {TO_STORE}}}]
    tcp: [{{match: [{{port: 1}}], {TO_STORE}}}]
    """
    levels = [fragment.level for fragment in compiled(service(spec)).fragments if isinstance(fragment, RouteTable)]
    assert levels == ["http", "tls", "stream"]


def test_matches_of_connections_are_limited_to_gateways_like_those_of_requests() -> None:
    spec = f"""
    hosts: [b.test]
    gateways: [mesh, front]
    tcp:
    - {{match: [{{port: 1, gateways: [front]}}, {{port: 2}}], {TO_STORE}}}
    """
    found = [each for each in compiled(service(spec)).fragments if isinstance(each, RouteTable)]
    ports = [[match.port for match in table.rules[0].matches or ()] for table in found]
    assert ports == [[2], [1, 2]]


@pytest.mark.parametrize(
    ("rules", "path"),
    [
        ("tcp: [{match: [{port: 1}]}]", "spec.tcp[0].route"),
        (f"tcp: [{{match: [{{port: 99999}}], {TO_STORE}}}]", "spec.tcp[0].match[0].port"),
        (f"tcp: [{{match: [{{destinationSubnets: [x]}}], {TO_STORE}}}]", "spec.tcp[0].match[0].destinationSubnets[0]"),
        (f"tcp: [{{match: [{{sourceSubnet: x}}], {TO_STORE}}}]", "spec.tcp[0].match[0].sourceSubnet"),
        (f"tls: [{{{TO_STORE}}}]", "spec.tls[0].match"),
        (f"tls: [{{match: [{{port: 443}}], {TO_STORE}}}]", "spec.tls[0].match[0].sniHosts"),
        (f"tls: [{{match: [{{sniHosts: [b.test]}}], {TO_STORE}}}]", "spec.tls[0].match[0].sniHosts[0]"),
        (f"tls: [{{match: [{{sniHosts: ['a b']}}], {TO_STORE}}}]", "spec.tls[0].match[0].sniHosts[0]"),
        (f"tls: [{{match: [{{sniHosts: ['*-a.test']}}], {TO_STORE}}}]", "spec.tls[0].match[0].sniHosts[0]"),
    ],
)
def test_a_rule_that_the_api_does_not_allow_is_refused(rules: str, path: str) -> None:
    assert [at for at, _ in refused(compiled(service(f"{{hosts: [store], {rules}}}")))] == [path]
