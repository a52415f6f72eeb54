"""Istio's MeshConfig: the key `mesh` of the ConfigMap `istio` in the root namespace.

Names and types follow istio.io/api, `mesh/v1alpha1/config.proto`. Only what Weft reads is typed; the API's other fields
are known by name, so that a mesh that is moved over is told what changes. Each field is read alone: one that is wrong
leaves the others in force.
"""

from collections.abc import Iterator
from types import MappingProxyType
from typing import Any, Final, Literal

from msgspec import Struct, field
from msgspec.structs import fields

from weft.base.issues import Issue, Ref
from weft.model import codes, schema
from weft.model.fields import did_you_mean, format_path
from weft.model.inline_yaml import parse_fields
from weft.model.istio_destination_rule import (
    ConnectionPoolSettings,
    LocalityLoadBalancerSetting,
    OutlierDetection,
    TcpKeepalive,
)
from weft.model.istio_proxy import unread_fields
from weft.model.istio_virtual_service import HttpRetry

CONFIG_MAP: Final = "istio"
KEY: Final = "mesh"
"""Where the text stands: the ConfigMap of this name in the root namespace, under this key."""

_ROOT: Final = ("data", KEY)
_DEFAULT_STAYS: Final = "the default stays in force"


class MeshOutboundPolicy(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What happens to destinations that no host names."""

    mode: Literal["REGISTRY_ONLY", "ALLOW_ANY", "ALLOW_ANY_DYNAMIC_DNS"] = "REGISTRY_ONLY"
    tls: dict[str, Any] = {}


class PathNormalization(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """How paths are brought into one form before they are matched."""

    normalization: Literal["DEFAULT", "NONE", "BASE", "MERGE_SLASHES", "DECODE_AND_MERGE_SLASHES"] = "DEFAULT"


class TlsConfig(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """TLS of the mesh itself."""

    min_protocol_version: Literal["TLS_AUTO", "TLSV1_2", "TLSV1_3"] = "TLS_AUTO"
    ecdh_curves: tuple[str, ...] = ()
    cipher_suites: tuple[str, ...] = ()


class DefaultTrafficPolicy(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Settings towards hosts that no DestinationRule states."""

    connection_pool: ConnectionPoolSettings | None = None
    outlier_detection: OutlierDetection | None = None


class MeshConfig(Struct, frozen=True, rename="camel"):
    """What Weft reads of Istio's MeshConfig; None and empty are not stated."""

    connect_timeout: str | None = None
    protocol_detection_timeout: str | None = None
    tcp_keepalive: TcpKeepalive | None = None
    access_log_file: str = ""
    outbound_traffic_policy: MeshOutboundPolicy | None = None
    enable_auto_mtls: bool | None = None
    trust_domain: str = ""
    trust_domain_aliases: tuple[str, ...] = ()
    default_service_export_to: tuple[str, ...] = ()
    default_virtual_service_export_to: tuple[str, ...] = ()
    default_destination_rule_export_to: tuple[str, ...] = ()
    root_namespace: str = ""
    locality_lb_setting: LocalityLoadBalancerSetting | None = None
    h2_upgrade_policy: Literal["DO_NOT_UPGRADE", "UPGRADE"] | None = None
    path_normalization: PathNormalization | None = None
    default_http_retry_policy: HttpRetry | None = None
    default_inbound_http_retry_policy: HttpRetry | None = None
    mesh_mtls: TlsConfig | None = field(default=None, name="meshMTLS")
    default_traffic_policy: DefaultTrafficPolicy | None = None
    default_config: dict[str, Any] = {}


class DecodedMesh(Struct, frozen=True):
    """The configuration, with defaults for what can't be read, and what is wrong with it."""

    config: MeshConfig
    issues: tuple[Issue, ...] = ()


_DEFAULT_CONFIG: Final = "defaultConfig"
_PROXIES: Final = "proxies are started with Weft's own settings"
_PORTS: Final = "proxies listen on the usual ports"
_EDGE: Final = "Ingress objects are not read"
_LOGS: Final = "logs are written in the data plane's own form"
_TRACES: Final = "no traces are sent"
NOT_READ: Final = MappingProxyType(
    {
        "proxyListenPort": _PORTS,
        "proxyInboundListenPort": _PORTS,
        "proxyHttpPort": "there is no port for HTTP proxy requests",
        "hboneIdleTimeout": "there are no HBONE tunnels",
        "ingressClass": _EDGE,
        "ingressService": _EDGE,
        "ingressControllerMode": _EDGE,
        "ingressSelector": _EDGE,
        "enableTracing": _TRACES,
        "accessLogFormat": _LOGS,
        "accessLogEncoding": _LOGS,
        "enableEnvoyAccessLogService": _LOGS,
        "disableEnvoyListenerLog": _LOGS,
        "inboundTrafficPolicy": "inbound connections go to the address that they were sent to",
        "configSources": "configuration comes from where Weft was pointed to",
        "caCertificates": "only the mesh's own roots are trusted",
        "zoneAwareLbSetting": "zones are not balanced",
        "dnsRefreshRate": "names are resolved again when their time to live ends",
        "inboundClusterStatName": "statistics keep their usual names",
        "outboundClusterStatName": "statistics keep their usual names",
        "certificates": "no certificates are issued for DNS names",
        "serviceSettings": "every service is of the whole mesh",
        "serviceScopeConfigs": "every service is of the whole mesh",
        "enablePrometheusMerge": "metrics of applications are not merged with those of proxies",
        "verifyCertificateAtClient": "servers' certificates are always verified",
        "ca": "certificates are signed by Weft's own authority",
        "extensionProviders": "providers are not called",
        "defaultProviders": "providers are not called",
        "discoverySelectors": "all namespaces are read",
        "tlsDefaults": "servers at gateways use the defaults of their TLS settings",
        "serviceEntryVisibility": "service entries are seen as their exportTo says",
    }
)
"""The API's other fields, and what holds while they are not read."""

_USUAL: Final = MappingProxyType(
    {
        "proxyListenPort": 15001,
        "proxyInboundListenPort": 15006,
        "ingressService": "istio-ingressgateway",
        "ingressControllerMode": "STRICT",
        "enableTracing": True,
        "inboundTrafficPolicy": {"mode": "PASSTHROUGH"},
        "verifyCertificateAtClient": True,
        "enablePrometheusMerge": True,
    }
)
"""Istio's defaults: stating them changes nothing, so nothing is said of them."""


def decode_mesh_config(text: str, ref: Ref) -> DecodedMesh:
    """Reads the text of a MeshConfig (YAML). `ref` is the ConfigMap that holds it; paths begin with `data.mesh`."""
    try:
        body = parse_fields(text)
    except ValueError as error:
        effect = "the defaults stay in force"
        return DecodedMesh(MeshConfig(), (Issue(codes.INVALID, "error", ref, format_path(_ROOT), str(error), effect),))
    known = {each.encode_name for each in fields(MeshConfig)}
    readable: dict[str, Any] = {}
    issues: list[Issue] = []
    for name, value in body.items():
        if name not in known:
            issues += _unread(name, value, ref, known)
        elif value is not None:
            _, problems = schema.convert({name: value}, MeshConfig, _ROOT)
            issues += (_problem(problem, ref) for problem in problems)
            if not problems:
                readable[name] = value
    config, _ = schema.convert(readable, MeshConfig)
    unread = ((_DEFAULT_CONFIG, *path) for path in unread_fields(config.default_config, of_mesh=True))
    issues += (_unsupported(path, _PROXIES, ref) for path in unread)
    return DecodedMesh(config, tuple(issues))


def _problem(problem: schema.Problem, ref: Ref) -> Issue:
    path = format_path(problem.path)
    return Issue(codes.INVALID, "error", ref, path, problem.message, _DEFAULT_STAYS, problem.advice)


def _unread(name: str, value: Any, ref: Ref, known: set[str]) -> Iterator[Issue]:
    if name not in NOT_READ:
        hint = did_you_mean(name, (*known, *NOT_READ))
        advice = f"did you mean `{hint}`?" if hint else ""
        path = format_path((*_ROOT, name))
        yield Issue(codes.UNKNOWN_FIELD, "warning", ref, path, f"unknown field `{name[:80]}`", "it is ignored", advice)
        return
    if (value and value != _USUAL.get(name)) or (value is False and name in _USUAL):
        yield _unsupported((name,), NOT_READ[name], ref)


def _unsupported(path: tuple[str, ...], effect: str, ref: Ref) -> Issue:
    message = f"{path[-1]} is not supported yet"
    return Issue(codes.UNSUPPORTED, "warning", ref, format_path((*_ROOT, *path)), message, effect)
