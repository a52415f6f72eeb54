"""Names of resources, filter chains and secrets. Their forms are Istio's: people know them and its tools parse them.

The clusters and route tables of services are named by the mesh (`outbound|80|v1|host`, `80`); here is what the proxy
layer adds.
"""

from typing import Final

from weft.ir.settings import MeshSettings

PASSTHROUGH_CLUSTER: Final = "PassthroughCluster"
RESOLVING_CLUSTER: Final = "DynamicDnsCluster"
RESOLVERS_CLUSTER: Final = "DnsResolvers"
INBOUND_PASSTHROUGH_CLUSTER: Final = "InboundPassthroughCluster"
BLACKHOLE_CLUSTER: Final = "BlackHoleCluster"
ADS_CLUSTER: Final = "xds-grpc"
ADMIN_CLUSTER: Final = "prometheus_stats"

VIRTUAL_OUTBOUND: Final = "virtualOutbound"
VIRTUAL_INBOUND: Final = "virtualInbound"
DNS_LISTENER: Final = "dns_udp"
DNS_STREAM_LISTENER: Final = "dns_tcp"

ALLOW_ANY: Final = "allow_any"
BLOCK_ALL: Final = "block_all"

IDENTITY_SECRET: Final = "default"
ROOTS_SECRET: Final = "ROOTCA"

OUTBOUND_PORT: Final = 15001
INBOUND_PORT: Final = 15006

DNS_PORT: Final = 15053
ADMIN_PORT: Final = 15000
READINESS_PORT: Final = 15021
METRICS_PORT: Final = 15090
OWN_PORTS: Final = frozenset({ADMIN_PORT, OUTBOUND_PORT, READINESS_PORT, METRICS_PORT})
"""Ports that a proxy listens on for itself, at its own address where it has one."""

ANY_ADDRESS: Final = "0.0.0.0"

_OTHER_PORTS: Final = 0


def inbound_name(port: int) -> str:
    """Returns the name of both the cluster and the route table of a served port: `inbound|9080||`.

    Port 0 stands for all ports that are not declared.
    """
    return INBOUND_PASSTHROUGH_CLUSTER if port == _OTHER_PORTS else f"inbound|{port}||"


def inbound_virtual_host(port: int) -> str:
    """Returns the name of the only virtual host of a served port."""
    return f"inbound|http|{port}"


def broken_cluster(code: str) -> str:
    """Returns the cluster that stands for a broken destination: none has this name, and dumps of routes show it."""
    return f"broken|{code}"


def listener_name(address: str, port: int) -> str:
    """Returns `<address>_<port>`, the name of an outbound or gateway listener."""
    return f"{address}_{port}"


def virtual_host_port(name: str) -> int | None:
    """Returns the port in the name of a virtual host (`host:port`); None if it has none."""
    port = name.rpartition(":")[2]
    return int(port) if port.isdigit() else None


def cluster_host(name: str) -> str:
    """Returns the host in the name of an outbound cluster (`outbound|80|v1|host`)."""
    return name.rpartition("|")[2]


def destination_rule_path(config: str) -> str:
    """Returns the path of a DestinationRule in the API of Kubernetes; `config` is `<name>.<namespace>`."""
    name, _, namespace = config.rpartition(".")
    return _object_path("destination-rule", namespace, name)


def virtual_service_path(namespace: str, name: str) -> str:
    """Returns the path of a VirtualService in the API of Kubernetes."""
    return _object_path("virtual-service", namespace, name)


def _object_path(kind: str, namespace: str, name: str) -> str:
    return f"/apis/networking.istio.io/v1/namespaces/{namespace}/{kind}/{name}"


def local_domains(settings: MeshSettings) -> tuple[str, ...]:
    """Returns the names of the local trust domain, its aliases last."""
    return (settings.trust_domain.name, *settings.trust_domain.aliases)


def statistics_prefix(text: str) -> str:
    """Returns a name that ends where the bootstrap's tag expressions look for its end (names of hosts hold dots)."""
    return f"{text};"
