"""MeshConfig: its text, and the settings of the mesh that it states."""

from typing import Any

import pytest

from weft.base.issues import Issue, Ref
from weft.dialects.istio.networking.mesh_settings import mesh_settings
from weft.ir.inventory import TrustDomain
from weft.ir.routing import Retry
from weft.ir.settings import MeshSettings
from weft.ir.traffic import TrafficSettings
from weft.model.inline_yaml import DEEPEST, LONGEST_TEXT
from weft.model.istio_mesh import MeshConfig, decode_mesh_config

REF = Ref("ConfigMap", "istio-system", "istio")


def settings(text: str, base: MeshSettings | None = None) -> MeshSettings:
    decoded = decode_mesh_config(text, REF)
    found, issues = mesh_settings(decoded.config, REF, base)
    assert (decoded.issues, issues) == ((), ())
    return found


def issues_of(text: str) -> list[Issue]:
    decoded = decode_mesh_config(text, REF)
    return [*decoded.issues, *mesh_settings(decoded.config, REF)[1]]


@pytest.mark.parametrize("text", ["", "{}", "# nothing\n", "trustDomain:\n"])
def test_nothing_stated_leaves_istio_s_defaults(text: str) -> None:
    assert settings(text) == MeshSettings()


@pytest.mark.parametrize(
    ("text", "field", "expected"),
    [
        ("trustDomain: corp.test", "trust_domain", TrustDomain("corp.test")),
        (
            "{trustDomain: corp.test, trustDomainAliases: [old.test, corp.test, new.test]}",
            "trust_domain",
            TrustDomain("corp.test", ("new.test", "old.test")),
        ),
        ("rootNamespace: root", "root_namespace", "root"),
        ("outboundTrafficPolicy: {mode: REGISTRY_ONLY}", "outbound", "deny"),
        ("outboundTrafficPolicy: {}", "outbound", "deny"),
        ("outboundTrafficPolicy: {mode: ALLOW_ANY}", "outbound", "allow"),
        ("enableAutoMtls: false", "automatic_tls", False),
        ("connectTimeout: 3s", "defaults", TrafficSettings(connect=3_000)),
        (
            "defaultTrafficPolicy: {connectionPool: {tcp: {connectTimeout: 1s, maxConnections: 4}}}",
            "defaults",
            TrafficSettings(connect=1_000, connections=4),
        ),
        (
            "defaultTrafficPolicy: {outlierDetection: {consecutive5xxErrors: 4}}",
            "defaults",
            TrafficSettings(connect=10_000, eject_after=(("5xx", 4),), eject_split=False, min_healthy=0.0),
        ),
        ("tcpKeepalive: {probes: 2}", "defaults", TrafficSettings(connect=10_000, keepalive=(2, 0, 0))),
        ("h2UpgradePolicy: UPGRADE", "defaults", TrafficSettings(connect=10_000, http2="upgrade")),
        ("localityLbSetting: {enabled: false}", "defaults", TrafficSettings(connect=10_000, locality=False)),
        ("defaultHttpRetryPolicy: {attempts: 0}", "retry", Retry(0)),
        ("defaultHttpRetryPolicy: {attempts: 5}", "retry", Retry(5, MeshSettings().retry.on)),  # type: ignore[union-attr]
        ("defaultInboundHttpRetryPolicy: {attempts: 1}", "inbound_retry", Retry(1, ("reset-before-request",))),
        ("protocolDetectionTimeout: 5s", "detect", 5_000),
        ("pathNormalization: {normalization: NONE}", "path_normal", "none"),
        ("pathNormalization: {normalization: DEFAULT}", "path_normal", "base"),
        ("pathNormalization: {normalization: MERGE_SLASHES}", "path_normal", "merge_slashes"),
        (
            "pathNormalization: {normalization: DECODE_AND_MERGE_SLASHES}",
            "path_normal",
            "decode_and_merge_slashes",
        ),
        ("accessLogFile: /dev/stdout", "access_log", "/dev/stdout"),
        ("defaultServiceExportTo: ['.', b]", "service_visible_to", (".", "b")),
        ("defaultServiceExportTo: ['*']", "service_visible_to", None),
        ("defaultVirtualServiceExportTo: ['.']", "routes_visible_to", (".",)),
        ("defaultDestinationRuleExportTo: ['.']", "policies_visible_to", (".",)),
        ("defaultConfig: {concurrency: 4}", "concurrency", 4),
        ("defaultConfig: {concurrency: 0}", "concurrency", 0),
        ("meshMTLS: {minProtocolVersion: TLSV1_3}", "lowest_tls", "1.3"),
        ("meshMTLS: {minProtocolVersion: TLS_AUTO}", "lowest_tls", "1.2"),
    ],
)
def test_each_setting(text: str, field: str, expected: Any) -> None:
    assert getattr(settings(text), field) == expected


def test_what_is_not_stated_stays_as_it_was() -> None:
    base = MeshSettings(
        cluster="c1", network="n1", access_log="/x", trust_domain=TrustDomain("old", anchors=("file:/a",))
    )
    found = settings("trustDomain: new", base)
    assert (found.cluster, found.network, found.access_log) == ("c1", "n1", "/x")
    assert found.trust_domain == TrustDomain("new", anchors=("file:/a",))


@pytest.mark.parametrize(
    ("text", "path", "code"),
    [
        ("connectTimeout: soon", "data.mesh.connectTimeout", "IST0106"),
        ("trustDomain: 'a b'", "data.mesh.trustDomain", "IST0106"),
        ("trustDomainAliases: ['a b']", "data.mesh.trustDomainAliases[0]", "IST0106"),
        ("rootNamespace: 'A B'", "data.mesh.rootNamespace", "IST0106"),
        ("enableAutoMtls: maybe", "data.mesh.enableAutoMtls", "IST0106"),
        ("outboundTrafficPolicy: {mode: ANY}", "data.mesh.outboundTrafficPolicy.mode", "IST0106"),
        ("connectTimout: 1s", "data.mesh.connectTimout", "WEFT0102"),
        ("accessLogFormat: '%REQ(x)%'", "data.mesh.accessLogFormat", "WEFT0101"),
        ("extensionProviders: [{name: a}]", "data.mesh.extensionProviders", "WEFT0101"),
        (
            "defaultConfig: {holdApplicationUntilProxyStarts: true}",
            "data.mesh.defaultConfig.holdApplicationUntilProxyStarts",
            "WEFT0101",
        ),
        ("defaultConfig: {concurrency: many}", "data.mesh.defaultConfig.concurrency", "WEFT0101"),
        ("enableTracing: false", "data.mesh.enableTracing", "WEFT0101"),
        ("proxyListenPort: 16001", "data.mesh.proxyListenPort", "WEFT0101"),
        (
            "outboundTrafficPolicy: {mode: ALLOW_ANY, tls: {mode: SIMPLE}}",
            "data.mesh.outboundTrafficPolicy.tls",
            "WEFT0101",
        ),
        ("meshMTLS: {cipherSuites: [A]}", "data.mesh.meshMTLS.cipherSuites", "WEFT0101"),
        (
            "outboundTrafficPolicy: {mode: ALLOW_ANY_DYNAMIC_DNS}",
            "data.mesh.outboundTrafficPolicy.mode",
            "WEFT0101",
        ),
    ],
)
def test_what_is_wrong_or_not_done_is_said(text: str, path: str, code: str) -> None:
    (issue,) = issues_of(text)
    assert (issue.path, issue.code, issue.ref) == (path, code, REF)
    assert issue.effect


@pytest.mark.parametrize(
    "text",
    [
        "enableTracing: true",
        "proxyListenPort: 15001",
        "enablePrometheusMerge: true",
        "defaultConfig: {proxyMetadata: {}}",
        "extensionProviders: []",
    ],
)
def test_istio_s_own_defaults_are_no_finding(text: str) -> None:
    assert issues_of(text) == []


def test_a_field_that_is_wrong_leaves_the_others_in_force() -> None:
    decoded = decode_mesh_config("{rootNamespace: root, enableAutoMtls: maybe, trustDomian: x}", REF)
    assert decoded.config == MeshConfig(root_namespace="root")
    assert [issue.path for issue in decoded.issues] == ["data.mesh.enableAutoMtls", "data.mesh.trustDomian"]
    assert decoded.issues[1].advice == "did you mean `trustDomain`?"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: ]\nb: 1", "line 1"),
        ("a: 1\nb: {\n", "line"),
        ("- a", "expected fields, got a list"),
        ("1: a", "expected fields"),
        ("a: &x 1\nb: *x", "line 2: references (*x) are not read"),
        ("[" * (DEEPEST + 1), f"nest more than {DEEPEST} deep"),
        ("[" * 50_000, f"nest more than {DEEPEST} deep"),
        ("a" * (LONGEST_TEXT + 1), "characters long"),
        ("a: \x00", "YAML"),
        ("a: !!python/object:os.system 1", "YAML"),
    ],
)
def test_a_text_that_can_t_be_read_leaves_the_defaults_in_force(text: str, reason: str) -> None:
    decoded = decode_mesh_config(text, REF)
    assert decoded.config == MeshConfig()
    (issue,) = decoded.issues
    assert reason in issue.message
    assert (issue.path, issue.effect) == ("data.mesh", "the defaults stay in force")
