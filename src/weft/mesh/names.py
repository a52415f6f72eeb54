"""Names by which views refer to each other; the forms are Istio's, which people and tools know."""

from weft.ir.values import HTTP_PROTOCOLS, Protocol


def outbound_cluster(port: int, subset: str, host: str) -> str:
    """`outbound|80|v1|reviews.default.svc.cluster.local`."""
    return f"outbound|{port}|{subset}|{host}"


def parse_cluster(name: str) -> tuple[int, str, str] | None:
    """Port, subset and host of an outbound cluster's name; None for any other name."""
    parts = name.split("|")
    if len(parts) != 4 or parts[0] != "outbound" or not parts[1].isdigit():
        return None
    return int(parts[1]), parts[2], parts[3]


def server_name(port: int, subset: str, host: str) -> str:
    """The server name that mesh TLS sends: `outbound_.80_.v1_.reviews.default.svc.cluster.local`."""
    return f"outbound_.{port}_.{subset}_.{host}"


def is_http(protocol: Protocol) -> bool:
    """Whether a port is declared to be some HTTP."""
    return protocol in HTTP_PROTOCOLS


def host_route(host: str, port: int) -> str:
    """The route table of one service port whose protocol is detected: `host:port`."""
    return f"{host}:{port}"


def endpoint_route(route: str, address: str) -> str:
    """The same for one endpoint of a service without an address: `10.244.0.7|host:port`."""
    return f"{address}|{route}"


def parse_route(name: str) -> tuple[str, str, int] | None:
    """Endpoint, host and port of a route table's name, the first two empty where it has none; None for other names."""
    endpoint, _, rest = name.rpartition("|")
    host, _, port = rest.rpartition(":")
    return (endpoint, host, int(port)) if port.isdigit() else None


def bracketed(address: str) -> str:
    """An address as URLs and hosts of requests write it (RFC 3986, section 3.2.2)."""
    return f"[{address}]" if ":" in address else address


def namespace_of(host: str) -> str:
    """The namespace that a host of a cluster is in (`reviews.default.svc.cluster.local`); empty for other hosts."""
    name, cluster, _ = host.partition(".svc.")
    return name.rpartition(".")[2] if cluster else ""


def short_names(host: str, namespace: str, cluster_domain: str) -> tuple[str, ...]:
    """The shorter forms by which pods of a namespace know a host of the cluster: `reviews`, `reviews.default`, ..."""
    suffix = f".svc.{cluster_domain}"
    if not host.endswith(suffix):
        return ()
    name, _, service_namespace = host.removesuffix(suffix).rpartition(".")
    if not name:
        return ()
    forms = (f"{name}.{service_namespace}.svc", f"{name}.{service_namespace}")
    return (*forms, name) if service_namespace == namespace else forms
