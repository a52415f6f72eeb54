"""Gateway, ServiceEntry, WorkloadEntry and Sidecar of `networking.istio.io`, and the table of this API group's kinds.

Names, types and defaults follow istio.io/api, `networking/v1alpha3/*.proto`, in its JSON form; see
`weft.model.istio_virtual_service` for the conventions.
"""

from typing import Literal

from msgspec import Struct

from weft.model.istio_destination_rule import ConnectionPoolSettings, DestinationRule
from weft.model.istio_virtual_service import Destination, VirtualService
from weft.model.objects import Kind

TlsProtocol = Literal["TLS_AUTO", "TLSV1_0", "TLSV1_1", "TLSV1_2", "TLSV1_3"]
CaptureMode = Literal["DEFAULT", "IPTABLES", "NONE"]


class Port(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A port with its protocol; also `ServicePort` and `SidecarPort` of the API."""

    number: int = 0
    protocol: str = ""
    name: str = ""
    target_port: int = 0


class TlsCertificate(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A certificate in files of the proxy."""

    server_certificate: str = ""
    private_key: str = ""
    ca_certificates: str = ""


class ServerTlsSettings(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """TLS as a server."""

    https_redirect: bool = False
    mode: Literal["PASSTHROUGH", "SIMPLE", "MUTUAL", "AUTO_PASSTHROUGH", "ISTIO_MUTUAL", "OPTIONAL_MUTUAL"] = (
        "PASSTHROUGH"
    )
    server_certificate: str = ""
    private_key: str = ""
    ca_certificates: str = ""
    ca_crl: str = ""
    credential_name: str = ""
    credential_names: tuple[str, ...] = ()
    ca_cert_credential_name: str = ""
    tls_certificates: tuple[TlsCertificate, ...] = ()
    subject_alt_names: tuple[str, ...] = ()
    verify_certificate_spki: tuple[str, ...] = ()
    verify_certificate_hash: tuple[str, ...] = ()
    min_protocol_version: TlsProtocol = "TLS_AUTO"
    max_protocol_version: TlsProtocol = "TLS_AUTO"
    cipher_suites: tuple[str, ...] = ()
    insecure_skip_verify: bool | None = None
    ecdh_curves: tuple[str, ...] = ()


class Server(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """One port of a gateway and the hosts that it serves."""

    port: Port | None = None
    bind: str = ""
    hosts: tuple[str, ...] = ()
    tls: ServerTlsSettings | None = None
    default_endpoint: str = ""
    name: str = ""


class Gateway(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Listeners of the gateway proxies that the labels select."""

    servers: tuple[Server, ...] = ()
    selector: dict[str, str] = {}


class WorkloadEntry(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """One workload outside of Kubernetes, also an endpoint of a ServiceEntry."""

    address: str = ""
    ports: dict[str, int] = {}
    labels: dict[str, str] = {}
    network: str = ""
    locality: str = ""
    weight: int = 0
    service_account: str = ""


class WorkloadSelector(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Workloads of the object's namespace, by labels: the networking API's own form (`labels`, not `matchLabels`)."""

    labels: dict[str, str] = {}


class ServiceEntry(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A service that the platform does not know."""

    hosts: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    ports: tuple[Port, ...] = ()
    location: Literal["MESH_EXTERNAL", "MESH_INTERNAL"] = "MESH_EXTERNAL"
    resolution: Literal["NONE", "STATIC", "DNS", "DNS_ROUND_ROBIN", "DYNAMIC_DNS"] = "NONE"
    endpoints: tuple[WorkloadEntry, ...] = ()
    workload_selector: WorkloadSelector | None = None
    export_to: tuple[str, ...] = ()
    subject_alt_names: tuple[str, ...] = ()


class IstioIngressListener(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """One port that a sidecar serves."""

    port: Port | None = None
    bind: str = ""
    capture_mode: CaptureMode = "DEFAULT"
    default_endpoint: str = ""
    tls: ServerTlsSettings | None = None
    connection_pool: ConnectionPoolSettings | None = None


class IstioEgressListener(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Which hosts a workload may reach through its sidecar."""

    port: Port | None = None
    bind: str = ""
    capture_mode: CaptureMode = "DEFAULT"
    hosts: tuple[str, ...] = ()


class OutboundTrafficPolicy(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What happens to destinations that no host names."""

    mode: Literal["REGISTRY_ONLY", "ALLOW_ANY"] = "REGISTRY_ONLY"
    egress_proxy: Destination | None = None


class Sidecar(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What sidecars of some workloads listen to and see."""

    workload_selector: WorkloadSelector | None = None
    ingress: tuple[IstioIngressListener, ...] = ()
    egress: tuple[IstioEgressListener, ...] = ()
    inbound_connection_pool: ConnectionPoolSettings | None = None
    outbound_traffic_policy: OutboundTrafficPolicy | None = None


_GROUP = "networking.istio.io"
_VERSIONS = ("v1", "v1beta1", "v1alpha3")

KINDS: tuple[Kind, ...] = (
    Kind(_GROUP, "VirtualService", "virtualservices", _VERSIONS, VirtualService, short_names=("vs",)),
    Kind(_GROUP, "DestinationRule", "destinationrules", _VERSIONS, DestinationRule, short_names=("dr",)),
    Kind(_GROUP, "Gateway", "gateways", _VERSIONS, Gateway, short_names=("gw",)),
    Kind(_GROUP, "ServiceEntry", "serviceentries", _VERSIONS, ServiceEntry, short_names=("se",)),
    Kind(_GROUP, "WorkloadEntry", "workloadentries", _VERSIONS, WorkloadEntry, short_names=("we",)),
    Kind(_GROUP, "Sidecar", "sidecars", _VERSIONS, Sidecar),
)
"""The kinds of this module, with the plural and short names of Istio's resource definitions."""
