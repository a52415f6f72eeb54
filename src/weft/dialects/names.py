"""Names and small values that several dialects write alike: hosts, identities, localities, labels, visibility."""

from collections.abc import Iterable, Mapping
from ipaddress import ip_address, ip_network

from weft.ir.identities import SCHEME
from weft.ir.settings import MeshSettings
from weft.ir.values import Identity, Labels, LabelTerm, Locality


def service_host(name: str, namespace: str, settings: MeshSettings) -> str:
    """The absolute host of a Kubernetes Service: `reviews.default.svc.cluster.local`."""
    return f"{name}.{namespace}.svc.{settings.cluster_domain}".lower()


def network_of(address: str, settings: MeshSettings) -> str:
    """The network that an endpoint is in which does not say so itself; empty where nobody says it.

    Source: Istio, MeshNetworks: that of the whole cluster, else the one that has the address in a range.
    """
    if settings.network or not settings.networks:
        return settings.network
    try:
        found = ip_address(address)
    except ValueError:
        return ""
    return next((name for name, cidr in settings.networks if found in ip_network(cidr)), "")


def account_identity(namespace: str, account: str, settings: MeshSettings) -> Identity:
    """The identity of a service account in this mesh's trust domain (IR I1)."""
    return f"{SCHEME}{settings.trust_domain.name}/ns/{namespace}/sa/{account}"


def parse_locality(text: str) -> Locality:
    """Region, zone and sub-zone of `region/zone/subzone`; as a label's value can't hold `/`, dots separate as well.

    Source: Istio, label `topology.istio.io/locality`; dots count only where there is no slash.
    """
    parts = text.split("/" if "/" in text else ".", 2)
    region, zone, sub_zone = (*parts, "", "")[:3]
    return region, zone, sub_zone


def sorted_labels(labels: Mapping[str, str]) -> Labels:
    """A mapping as the neutral model's pairs."""
    return tuple(sorted(labels.items()))


def label_terms(labels: Mapping[str, str]) -> tuple[LabelTerm, ...]:
    """Equality of all these labels as requirements."""
    return tuple((key, "in", (value,)) for key, value in sorted(labels.items()))


def visible_to(
    export_to: Iterable[str], namespace: str, default: tuple[str, ...] | None = None
) -> tuple[str, ...] | None:
    """Namespaces that see an object: `*` all (None), `.` its own, `~` nobody; nothing stated takes the mesh's default.

    Source: Istio, `exportTo` of VirtualService, DestinationRule and ServiceEntry and the Service annotation
    `networking.istio.io/exportTo`.
    """
    stated = tuple(export_to) or default
    if stated is None or "*" in stated:
        return None
    return tuple(sorted({namespace if each == "." else each for each in stated if each != "~"}))


def canonical_service(labels: Mapping[str, str], workload: str) -> tuple[str, str]:
    """Name and revision by which telemetry groups workloads.

    Source: Istio, "Canonical Service": the labels below in this order, else the workload's name and `latest`.
    """
    name = _first(labels, ("service.istio.io/canonical-name", "app.kubernetes.io/name", "app"))
    revision = _first(labels, ("service.istio.io/canonical-revision", "app.kubernetes.io/version", "version"))
    return name or workload, revision or "latest"


def _first(labels: Mapping[str, str], keys: Iterable[str]) -> str | None:
    return next((labels[key] for key in keys if labels.get(key)), None)
