"""MeshConfig: settings of the whole mesh."""

from types import MappingProxyType
from typing import Final, Literal

from msgspec.structs import replace

from weft.base.issues import Issue, Ref
from weft.dialects.checks import check_name
from weft.dialects.istio.networking.checks import check_duration
from weft.dialects.istio.networking.context import Context
from weft.dialects.istio.networking.destination_rule.ejection import with_ejection
from weft.dialects.istio.networking.destination_rule.localities import with_localities
from weft.dialects.istio.networking.destination_rule.pools import UPGRADES, keepalive, with_pool
from weft.dialects.istio.networking.hosts import is_host
from weft.dialects.istio.networking.retries import retry_policy
from weft.dialects.report import Report
from weft.ir.inventory import TrustDomain
from weft.ir.routing import Retry
from weft.ir.settings import DEFAULT_INBOUND_RETRY, MeshSettings, PathNormal
from weft.ir.traffic import TrafficSettings
from weft.model.istio_mesh import DefaultTrafficPolicy, MeshConfig, TlsConfig
from weft.model.istio_proxy import captures_dns, concurrency, on_demand

_ROOT: Final = "data.mesh"
_OUTBOUND: Final = MappingProxyType[str, Literal["allow", "deny", "resolve"]](
    {"REGISTRY_ONLY": "deny", "ALLOW_ANY": "allow", "ALLOW_ANY_DYNAMIC_DNS": "resolve"}
)
_PATHS: Final = MappingProxyType[str, PathNormal](
    {
        "DEFAULT": "base",
        "BASE": "base",
        "NONE": "none",
        "MERGE_SLASHES": "merge_slashes",
        "DECODE_AND_MERGE_SLASHES": "decode_and_merge_slashes",
    }
)


def mesh_settings(
    config: MeshConfig, ref: Ref, base: MeshSettings | None = None
) -> tuple[MeshSettings, tuple[Issue, ...]]:
    """The settings that a MeshConfig states, over those of `base` (by default Istio's), and what is wrong with it.

    `ref` is the ConfigMap that holds it. A field that is wrong leaves the setting of `base` in force.
    """
    start = base or MeshSettings()
    context = Context(Report(ref, on_error="the default stays in force"), start.root_namespace, start)
    report = context.report
    outbound, paths = config.outbound_traffic_policy, config.path_normalization
    detect = check_duration(report, f"{_ROOT}.protocolDetectionTimeout", config.protocol_detection_timeout, least=0)
    captures, threads = captures_dns(config.default_config), concurrency(config.default_config)
    clusters = on_demand(config.default_config)
    settings = replace(
        start,
        trust_domain=_trust_domain(config, context),
        root_namespace=_root_namespace(config, context),
        outbound=_OUTBOUND[outbound.mode] if outbound is not None else start.outbound,
        automatic_tls=start.automatic_tls if config.enable_auto_mtls is None else config.enable_auto_mtls,
        defaults=_defaults(config, context),
        retry=retry_policy(config.default_http_retry_policy, f"{_ROOT}.defaultHttpRetryPolicy", context) or start.retry,
        inbound_retry=_inbound_retry(config, context),
        detect=start.detect if detect is None else detect,
        path_normal=_PATHS[paths.normalization] if paths is not None else start.path_normal,
        access_log=config.access_log_file or start.access_log,
        service_visible_to=_visible(config.default_service_export_to, start.service_visible_to),
        routes_visible_to=_visible(config.default_virtual_service_export_to, start.routes_visible_to),
        policies_visible_to=_visible(config.default_destination_rule_export_to, start.policies_visible_to),
        lowest_tls=_lowest_tls(config.mesh_mtls, context),
        concurrency=start.concurrency if threads is None else threads,
        captures_dns=start.captures_dns if captures is None else captures,
        on_demand=start.on_demand if clusters is None else clusters,
    )
    if outbound is not None and outbound.mode == "ALLOW_ANY_DYNAMIC_DNS":
        effect = "unknown destinations are called at the address that the client has, as with ALLOW_ANY"
        report.unsupported(f"{_ROOT}.outboundTrafficPolicy.mode", effect=effect)
    if outbound is not None and outbound.tls:
        report.unsupported(f"{_ROOT}.outboundTrafficPolicy.tls", effect="the defaults of TLS hold for such hosts")
    return settings, report.issues


def _inbound_retry(config: MeshConfig, context: Context) -> Retry | None:
    stated, path = config.default_inbound_http_retry_policy, f"{_ROOT}.defaultInboundHttpRetryPolicy"
    return retry_policy(stated, path, context, default=DEFAULT_INBOUND_RETRY) or context.settings.inbound_retry


def _trust_domain(config: MeshConfig, context: Context) -> TrustDomain:
    current = context.settings.trust_domain
    name = config.trust_domain or current.name
    if not is_host(name):
        context.report.invalid(f"{_ROOT}.trustDomain", f"{name!r} is no trust domain")
        name = current.name
    aliases = [each for each in config.trust_domain_aliases if each != name]
    for index, alias in enumerate(config.trust_domain_aliases):
        if not is_host(alias):
            context.report.invalid(f"{_ROOT}.trustDomainAliases[{index}]", f"{alias!r} is no trust domain")
            aliases.remove(alias)
    return replace(current, name=name, aliases=tuple(sorted(set(aliases) or current.aliases)))


def _root_namespace(config: MeshConfig, context: Context) -> str:
    name = config.root_namespace or context.settings.root_namespace
    known = check_name(context.report, f"{_ROOT}.rootNamespace", name)
    return name if known else context.settings.root_namespace


def _defaults(config: MeshConfig, context: Context) -> TrafficSettings:
    """Settings of the mesh towards every host; those of `defaultTrafficPolicy` win over the older single fields."""
    policy = config.default_traffic_policy or DefaultTrafficPolicy()
    path = f"{_ROOT}.defaultTrafficPolicy"
    said = with_pool(TrafficSettings(), policy.connection_pool, f"{path}.connectionPool", context)
    said = with_ejection(said, policy.outlier_detection, f"{path}.outlierDetection", context)
    said = with_localities(said, config.locality_lb_setting, f"{_ROOT}.localityLbSetting", context)
    connect = check_duration(context.report, f"{_ROOT}.connectTimeout", config.connect_timeout)
    alive = keepalive(config.tcp_keepalive, f"{_ROOT}.tcpKeepalive", context)
    return replace(
        said,
        connect=said.connect or connect or context.settings.defaults.connect,
        keepalive=said.keepalive or alive,
        http2=said.http2 or (UPGRADES[config.h2_upgrade_policy] if config.h2_upgrade_policy else None),
    )


def _visible(stated: tuple[str, ...], default: tuple[str, ...] | None) -> tuple[str, ...] | None:
    if not stated:
        return default
    return None if "*" in stated else stated


def _lowest_tls(tls: TlsConfig | None, context: Context) -> Literal["1.2", "1.3"]:
    if tls is None:
        return context.settings.lowest_tls
    for field, value in (("ecdhCurves", tls.ecdh_curves), ("cipherSuites", tls.cipher_suites)):
        if value:
            context.report.unsupported(f"{_ROOT}.meshMTLS.{field}", effect="the data plane's defaults hold")
    return "1.3" if tls.min_protocol_version == "TLSV1_3" else "1.2"
