"""DestinationRule: what it says becomes settings; what it leaves out stays unsaid."""

from typing import Any

import pytest
from tests.unit.dialects.compiling import compiled, issue_at, istio, only, refused, warned

from weft.ir.routing import SubsetTerms
from weft.ir.settings import MeshSettings
from weft.ir.traffic import TrafficPolicy, TrafficSettings
from weft.ir.values import Selector, Tls


def rule(spec: str, **meta: Any) -> Any:
    return istio("DestinationRule", spec, **meta)


def with_policy(policy: str) -> Any:
    return rule(f"{{host: reviews, trafficPolicy: {{{policy}}}}}")


def policy_of(spec: str, **settings: Any) -> TrafficPolicy:
    return only(compiled(rule(spec), **settings), TrafficPolicy)


def settings_of(policy: str) -> TrafficSettings:
    return only(compiled(with_policy(policy)), TrafficPolicy).settings


# ---- balancing -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("simple: ROUND_ROBIN", TrafficSettings(balance="round_robin")),
        ("simple: LEAST_REQUEST", TrafficSettings(balance="least")),
        ("simple: RANDOM", TrafficSettings(balance="random")),
        ("simple: PASSTHROUGH", TrafficSettings(balance="original")),
        ("simple: UNSPECIFIED", TrafficSettings()),
        (
            "consistentHash: {httpHeaderName: X-User}",
            TrafficSettings(balance="hash_ring", hash_on=("header", "x-user")),
        ),
        ("consistentHash: {useSourceIp: true}", TrafficSettings(balance="hash_ring", hash_on=("address",))),
        (
            "consistentHash: {httpQueryParameterName: q}",
            TrafficSettings(balance="hash_ring", hash_on=("query", "q")),
        ),
        (
            "consistentHash: {httpCookie: {name: user, ttl: 0s}}",
            TrafficSettings(balance="hash_ring", hash_on=("cookie", "user", "", "0")),
        ),
        (
            "consistentHash: {httpCookie: {name: user, path: /a, ttl: 1.5s}}",
            TrafficSettings(balance="hash_ring", hash_on=("cookie", "user", "/a", "1500")),
        ),
        (
            "consistentHash: {httpCookie: {name: user}}",
            TrafficSettings(balance="hash_ring", hash_on=("cookie", "user", "", "")),
        ),
        (
            "consistentHash: {useSourceIp: true, ringHash: {minimumRingSize: 2048}}",
            TrafficSettings(balance="hash_ring", hash_on=("address",), hash_size=2048),
        ),
        (
            "consistentHash: {useSourceIp: true, maglev: {tableSize: 65537}}",
            TrafficSettings(balance="hash_table", hash_on=("address",), hash_size=65537),
        ),
        (
            "consistentHash: {useSourceIp: true, maglev: {}}",
            TrafficSettings(balance="hash_table", hash_on=("address",)),
        ),
        ("backendUtilization: {}", TrafficSettings(balance="utilization")),
        (
            "simple: LEAST_REQUEST, warmup: {duration: 30s, minimumPercent: 5, aggression: 2}",
            TrafficSettings(balance="least", warmup=(30_000, 0.05, 2.0)),
        ),
        ("warmup: {duration: 30s}", TrafficSettings(warmup=(30_000, 0.1, 1.0))),
        ("localityLbSetting: {enabled: false}", TrafficSettings(locality=False)),
        (
            "localityLbSetting: {distribute: [{from: 'eu/a/*', to: {'eu/a/*': 80, 'eu/b/*': 20}}]}",
            TrafficSettings(spread=(("eu/a/*", (("eu/a/*", "80"), ("eu/b/*", "20"))),)),
        ),
        ("localityLbSetting: {failover: [{from: eu, to: us}]}", TrafficSettings(failover=(("eu", "us"),))),
    ],
)
def test_how_endpoints_are_chosen(text: str, expected: TrafficSettings) -> None:
    assert settings_of(f"loadBalancer: {{{text}}}") == expected


@pytest.mark.parametrize(
    ("text", "expected", "finding"),
    [
        ("simple: LEAST_CONN", TrafficSettings(balance="least"), ("IST0002", "simple")),
        (
            "consistentHash: {useSourceIp: true, minimumRingSize: 64}",
            TrafficSettings(balance="hash_ring", hash_on=("address",), hash_size=64),
            ("IST0002", "consistentHash.minimumRingSize"),
        ),
        ("warmupDurationSecs: 10s", TrafficSettings(warmup=(10_000, 0.1, 1.0)), ("IST0002", "warmupDurationSecs")),
        (
            "consistentHash: {httpCookie: {name: u, ttl: 1s, attributes: [{name: SameSite, value: Lax}]}}",
            TrafficSettings(balance="hash_ring", hash_on=("cookie", "u", "", "1000")),
            ("WEFT0101", "consistentHash.httpCookie.attributes"),
        ),
        (
            "backendUtilization: {errorUtilizationPenaltyPercent: 10}",
            TrafficSettings(balance="utilization"),
            ("WEFT0101", "backendUtilization"),
        ),
        ("zoneAwareLbSetting: {enabled: true}", TrafficSettings(), ("WEFT0101", "zoneAwareLbSetting")),
        (
            "localityLbSetting: {failoverPriority: [topology.kubernetes.io/region, app]}",
            TrafficSettings(prefer=("topology.kubernetes.io/region", "app")),
            ("WEFT0101", "localityLbSetting.failoverPriority"),
        ),
    ],
)
def test_what_is_deprecated_or_can_t_be_done_is_said(
    text: str, expected: TrafficSettings, finding: tuple[str, str]
) -> None:
    result = compiled(with_policy(f"loadBalancer: {{{text}}}"))
    (policy,) = result.fragments
    assert isinstance(policy, TrafficPolicy)
    assert policy.settings == expected
    code, path = finding
    assert warned(result) == [(code, f"spec.trafficPolicy.loadBalancer.{path}")]


# ---- pools and ejection ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tcp: {maxConnections: 5}", TrafficSettings(connections=5)),
        ("tcp: {maxConnections: 0}", TrafficSettings()),
        ("tcp: {connectTimeout: 250ms}", TrafficSettings(connect=250)),
        (
            "tcp: {tcpKeepalive: {probes: 3, time: 2h, interval: 75s}}",
            TrafficSettings(keepalive=(3, 7_200_000, 75_000)),
        ),
        ("tcp: {tcpKeepalive: {}}", TrafficSettings(keepalive=(0, 0, 0))),
        ("tcp: {maxConnectionDuration: 1h}", TrafficSettings(lifetime=3_600_000)),
        ("tcp: {idleTimeout: 30s}", TrafficSettings(tcp_idle=30_000)),
        ("http: {http1MaxPendingRequests: 1}", TrafficSettings(pending=1)),
        ("http: {http2MaxRequests: 2}", TrafficSettings(requests=2)),
        ("http: {maxRequestsPerConnection: 3}", TrafficSettings(requests_per_connection=3)),
        ("http: {maxRetries: 4}", TrafficSettings(retries=4)),
        ("http: {maxConcurrentStreams: 5}", TrafficSettings(streams=5)),
        ("http: {idleTimeout: 5s}", TrafficSettings(idle=5_000)),
        ("http: {h2UpgradePolicy: DEFAULT}", TrafficSettings()),
        ("http: {h2UpgradePolicy: UPGRADE}", TrafficSettings(http2="upgrade")),
        ("http: {h2UpgradePolicy: DO_NOT_UPGRADE}", TrafficSettings(http2="off")),
        ("http: {useClientProtocol: true}", TrafficSettings(http2="as_client")),
        ("http: {http2KeepAlive: {interval: 30s, timeout: 5s}}", TrafficSettings(ping=(30_000, 5_000))),
    ],
)
def test_limits(text: str, expected: TrafficSettings) -> None:
    assert settings_of(f"connectionPool: {{{text}}}") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", TrafficSettings(eject_split=False, min_healthy=0.0)),
        ("consecutive5xxErrors: 7", TrafficSettings(eject_after=(("5xx", 7),), eject_split=False, min_healthy=0.0)),
        ("consecutive5xxErrors: 0", TrafficSettings(eject_after=(("5xx", 0),), eject_split=False, min_healthy=0.0)),
        (
            "consecutiveGatewayErrors: 3, consecutive5xxErrors: 9",
            TrafficSettings(eject_after=(("5xx", 9), ("gateway", 3)), eject_split=False, min_healthy=0.0),
        ),
        (
            "splitExternalLocalOriginErrors: true, consecutiveLocalOriginFailures: 2",
            TrafficSettings(eject_after=(("local", 2),), eject_split=True, min_healthy=0.0),
        ),
        (
            "interval: 5s, baseEjectionTime: 1m, maxEjectionPercent: 50, minHealthPercent: 30",
            TrafficSettings(eject_scan=5_000, eject_for=60_000, eject_share=0.5, eject_split=False, min_healthy=0.3),
        ),
    ],
)
def test_ejection_is_on_once_it_is_stated(text: str, expected: TrafficSettings) -> None:
    assert settings_of(f"outlierDetection: {{{text}}}") == expected


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("consecutiveErrors: 5", ("IST0002", "consecutiveErrors")),
        ("consecutiveLocalOriginFailures: 5", ("IST0133", "consecutiveLocalOriginFailures")),
        ("outlierDetectionHttpErrorCodes: [429]", ("WEFT0101", "outlierDetectionHttpErrorCodes")),
    ],
)
def test_ejection_that_does_not_count_as_written_is_said(text: str, finding: tuple[str, str]) -> None:
    result = compiled(with_policy(f"outlierDetection: {{{text}}}"))
    assert warned(result) == [(finding[0], f"spec.trafficPolicy.outlierDetection.{finding[1]}")]
    (policy,) = result.fragments
    assert isinstance(policy, TrafficPolicy)
    assert policy.settings.eject_after == ()


# ---- TLS and the rest ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mode: DISABLE", Tls("off")),
        ("{}", Tls("off")),
        ("mode: SIMPLE", Tls("one_way", server_name="")),
        ("mode: SIMPLE, sni: a.test", Tls("one_way", server_name="a.test")),
        ("mode: SIMPLE, caCertificates: system", Tls("one_way", server_name="")),
        ("mode: SIMPLE, caCertificates: /etc/ca.pem", Tls("one_way", roots="file:/etc/ca.pem", server_name="")),
        ("mode: SIMPLE, insecureSkipVerify: true", Tls("one_way", server_name="", verify=False)),
        ("mode: SIMPLE, credentialName: c", Tls("one_way", roots="secret:/c-cacert", server_name="")),
        (
            "mode: SIMPLE, subjectAltNames: [a.test, b.test]",
            Tls("one_way", server_name="", peer_names=(("exact", "a.test"), ("exact", "b.test"))),
        ),
        (
            "mode: MUTUAL, clientCertificate: /c.pem, privateKey: /k.pem, caCertificates: /ca.pem, caCrl: /crl.pem",
            Tls("mutual", ("file:/c.pem~/k.pem",), "file:/ca.pem", "file:/crl.pem", ""),
        ),
        ("mode: MUTUAL, credentialName: c", Tls("mutual", ("secret:/c",), "secret:/c-cacert", server_name="")),
        (
            "mode: MUTUAL, credentialName: 'kubernetes-gateway://edge/c'",
            Tls("mutual", ("secret:edge/c",), "secret:edge/c-cacert", server_name=""),
        ),
        ("mode: ISTIO_MUTUAL", Tls("mesh")),
        ("mode: ISTIO_MUTUAL, sni: a.test", Tls("mesh", server_name="a.test")),
    ],
)
def test_tls(text: str, expected: Tls) -> None:
    found = settings_of(f"tls: {text}" if text == "{}" else f"tls: {{{text}}}")
    assert found == TrafficSettings(tls=expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("proxyProtocol: {}", TrafficSettings(proxy_header=1)),
        ("proxyProtocol: {version: V2}", TrafficSettings(proxy_header=2)),
        ("retryBudget: {}", TrafficSettings(retry_budget=(0.2, 3, 10_000))),
        ("retryBudget: {percent: 50, minRetryConcurrency: 7}", TrafficSettings(retry_budget=(0.5, 7, 10_000))),
        ("{}", TrafficSettings()),
    ],
)
def test_settings_of_a_host_as_a_whole(text: str, expected: TrafficSettings) -> None:
    assert policy_of(f"{{host: a, trafficPolicy: {{{text if text != '{}' else ''}}}}}").settings == expected


def test_a_tunnel_can_t_be_made_and_says_where_connections_go_instead() -> None:
    result = compiled(with_policy("tunnel: {protocol: CONNECT, targetHost: a.test, targetPort: 443}"))
    assert warned(result) == [("WEFT0101", "spec.trafficPolicy.tunnel")]
    assert issue_at(result, "spec.trafficPolicy.tunnel").effect == "connections go to the host directly"


def test_a_window_of_a_retry_budget_is_said_to_be_left_out() -> None:
    result = compiled(rule("{host: a, trafficPolicy: {retryBudget: {budgetInterval: 1s}}}"))
    assert warned(result) == [("WEFT0101", "spec.trafficPolicy.retryBudget.budgetInterval")]


# ---- levels ----------------------------------------------------------------------------------------------------------
def test_levels_say_only_what_is_written_at_them() -> None:
    found = policy_of(
        """
        host: Reviews
        trafficPolicy:
          loadBalancer: {simple: RANDOM}
          portLevelSettings:
          - {port: {number: 9080}, tls: {mode: DISABLE}}
          - {port: {number: 80}, connectionPool: {tcp: {maxConnections: 1}}}
        subsets:
        - {name: v1, labels: {version: v1, app: reviews}}
        - name: v2
          labels: {version: v2}
          trafficPolicy:
            loadBalancer: {simple: ROUND_ROBIN}
            portLevelSettings: [{port: {number: 80}, loadBalancer: {simple: LEAST_REQUEST}}]
        """
    )
    assert found.host == "reviews.shop.svc.cluster.local"
    assert found.settings == TrafficSettings(balance="random")
    assert found.port_settings == ((80, TrafficSettings(connections=1)), (9080, TrafficSettings(tls=Tls("off"))))
    assert found.subsets == (
        SubsetTerms("v1", (("app", "in", ("reviews",)), ("version", "in", ("v1",)))),
        SubsetTerms("v2", (("version", "in", ("v2",)),)),
    )
    assert found.subset_settings == (("v2", TrafficSettings(balance="round_robin")),)
    assert found.subset_port_settings == (("v2", 80, TrafficSettings(balance="least")),)


@pytest.mark.parametrize("field", ["loadBalancer", "connectionPool"])
def test_an_empty_group_does_not_reset_anything_and_says_so(field: str) -> None:
    result = compiled(rule(f"{{host: a, subsets: [{{name: v1, trafficPolicy: {{{field}: {{}}}}}}]}}"))
    assert warned(result) == [("IST0133", f"spec.subsets[0].trafficPolicy.{field}")]


def test_clients_and_visibility() -> None:
    found = policy_of("{host: '*.x.test', workloadSelector: {matchLabels: {app: a}}, exportTo: [., b]}")
    assert found.host == "*.x.test"
    assert found.clients == Selector(namespaces=("shop",), labels=(("app", "in", ("a",)),))
    assert found.visible_to == ("b", "shop")
    default = policy_of("{host: a}", settings=MeshSettings(policies_visible_to=(".",)))
    assert (default.clients, default.visible_to) == (None, ("shop",))


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ("{}", "spec.host"),
        ("{host: 'a b'}", "spec.host"),
        ("{host: a, exportTo: ['~', b]}", "spec.exportTo"),
        ("{host: a, subsets: [{name: 'V 1'}]}", "spec.subsets[0].name"),
        ("{host: a, subsets: [{name: v1}, {name: v1}]}", "spec.subsets[1].name"),
        ("{host: a, subsets: [{name: v1, labels: {version: '*'}}]}", "spec.subsets[0].labels.version"),
        ("{host: a, workloadSelector: {matchLabels: {'*': a}}}", 'spec.workloadSelector.matchLabels["*"]'),
    ],
)
def test_an_object_that_the_api_does_not_allow_is_refused(spec: str, path: str) -> None:
    assert [at for at, _ in refused(compiled(rule(spec)))] == [path]


@pytest.mark.parametrize(
    ("policy", "path"),
    [
        ("loadBalancer: {simple: RANDOM, consistentHash: {useSourceIp: true}}", "loadBalancer"),
        ("loadBalancer: {consistentHash: {}}", "loadBalancer.consistentHash"),
        (
            "loadBalancer: {consistentHash: {useSourceIp: true, ringHash: {minimumRingSize: 9000000}}}",
            "loadBalancer.consistentHash.ringHash.minimumRingSize",
        ),
        (
            "loadBalancer: {consistentHash: {httpQueryParameterName: ''}}",
            "loadBalancer.consistentHash.httpQueryParameterName",
        ),
        ("connectionPool: {tcp: {maxConnections: 3000000000}}", "connectionPool.tcp.maxConnections"),
        ("retryBudget: {minRetryConcurrency: -1}", "retryBudget.minRetryConcurrency"),
        ("loadBalancer: {consistentHash: {useSourceIp: false}}", "loadBalancer.consistentHash"),
        (
            "loadBalancer: {consistentHash: {useSourceIp: true, httpHeaderName: a}}",
            "loadBalancer.consistentHash",
        ),
        (
            "loadBalancer: {consistentHash: {useSourceIp: true, ringHash: {}, maglev: {}}}",
            "loadBalancer.consistentHash",
        ),
        (
            "loadBalancer: {consistentHash: {useSourceIp: true, maglev: {tableSize: 100}}}",
            "loadBalancer.consistentHash.maglev.tableSize",
        ),
        (
            "loadBalancer: {consistentHash: {httpCookie: {ttl: 1s}}}",
            "loadBalancer.consistentHash.httpCookie.name",
        ),
        ("loadBalancer: {warmup: {aggression: 2}}", "loadBalancer.warmup.duration"),
        ("loadBalancer: {warmup: {duration: 1s, minimumPercent: 101}}", "loadBalancer.warmup.minimumPercent"),
        ("loadBalancer: {warmup: {duration: 1s, aggression: 0.5}}", "loadBalancer.warmup.aggression"),
        (
            "loadBalancer: {localityLbSetting: {distribute: [{from: eu, to: {eu: 50}}]}}",
            "loadBalancer.localityLbSetting.distribute[0].to",
        ),
        (
            (
                "loadBalancer: {localityLbSetting: {distribute: [{from: eu, to: {eu: 100}}],"
                " failover: [{from: eu, to: us}]}}"
            ),
            "loadBalancer.localityLbSetting",
        ),
        (
            "loadBalancer: {localityLbSetting: {failover: [{from: eu/a, to: us}]}}",
            "loadBalancer.localityLbSetting.failover[0].from",
        ),
        (
            "loadBalancer: {localityLbSetting: {failover: [{from: eu, to: eu}]}}",
            "loadBalancer.localityLbSetting.failover[0].to",
        ),
        ("connectionPool: {tcp: {maxConnections: -1}}", "connectionPool.tcp.maxConnections"),
        ("connectionPool: {tcp: {connectTimeout: 0s}}", "connectionPool.tcp.connectTimeout"),
        ("connectionPool: {http: {maxRetries: -2}}", "connectionPool.http.maxRetries"),
        ("connectionPool: {http: {useClientProtocol: true, h2UpgradePolicy: UPGRADE}}", "connectionPool.http"),
        ("connectionPool: {http: {http2KeepAlive: {interval: 1s}}}", "connectionPool.http.http2KeepAlive"),
        ("outlierDetection: {maxEjectionPercent: 101}", "outlierDetection.maxEjectionPercent"),
        ("outlierDetection: {minHealthPercent: -1}", "outlierDetection.minHealthPercent"),
        ("outlierDetection: {interval: 0s}", "outlierDetection.interval"),
        ("outlierDetection: {consecutive5xxErrors: -1}", "outlierDetection.consecutive5xxErrors"),
        ("tls: {mode: MUTUAL}", "tls"),
        ("tls: {mode: MUTUAL, clientCertificate: /a}", "tls"),
        ("tls: {mode: ISTIO_MUTUAL, clientCertificate: /a}", "tls"),
        ("tls: {mode: SIMPLE, credentialName: a, caCertificates: /b}", "tls"),
        ("tls: {mode: SIMPLE, credentialName: 'a b'}", "tls.credentialName"),
        ("retryBudget: {percent: 101}", "retryBudget.percent"),
        ("portLevelSettings: [{tls: {mode: DISABLE}}]", "portLevelSettings[0].port.number"),
        ("portLevelSettings: [{port: {number: 80}}, {port: {number: 80}}]", "portLevelSettings[1].port.number"),
        (
            "portLevelSettings: [{port: {number: 80}, outlierDetection: {interval: never}}]",
            "portLevelSettings[0].outlierDetection.interval",
        ),
    ],
)
def test_settings_that_the_api_does_not_allow_are_refused(policy: str, path: str) -> None:
    assert [at for at, _ in refused(compiled(with_policy(policy)))] == [f"spec.trafficPolicy.{path}"]


def test_a_credential_in_another_store_is_not_there_and_says_so() -> None:
    result = compiled(with_policy("tls: {mode: SIMPLE, credentialName: 'sds://a'}"))
    assert warned(result) == [("WEFT0101", "spec.trafficPolicy.tls.credentialName")]
