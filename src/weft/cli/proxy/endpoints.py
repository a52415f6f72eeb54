"""`proxy-config endpoints`: from Envoy's `/clusters?format=json`, or from a configuration dump."""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec
from msgspec import Struct

from weft.cli.proxy.dump import DumpError, Json, typed

HEADER: Final = ("ENDPOINT", "STATUS", "OUTLIER CHECK", "CLUSTER")

_UNKNOWN: Final = "UNKNOWN"


class EndpointFilter(Struct, frozen=True):
    """Which endpoints are meant; what is not given matches all. `status` are words as in the table, in any case."""

    address: str = ""
    port: int | None = None
    cluster: str = ""
    status: tuple[str, ...] = ()


class SocketAddress(Struct, frozen=True):
    """Address and port."""

    address: str = ""
    port_value: int = 0


class _Pipe(Struct, frozen=True):
    path: str = ""


class Address(Struct, frozen=True):
    """Where something listens: one of both is set, or an internal listener is meant."""

    socket_address: SocketAddress | None = None
    pipe: _Pipe | None = None

    def __str__(self) -> str:
        if self.socket_address:
            host = self.socket_address.address
            return f"{f'[{host}]' if ':' in host else host}:{self.socket_address.port_value}"
        return f"unix://{self.pipe.path}" if self.pipe else "internal"


class Endpoint(Struct, frozen=True):
    """One endpoint of a cluster: a row of the table, and what to print of it as JSON."""

    address: Address
    status: str
    outlier: str
    cluster: str
    resource: Json


class _Health(Struct, frozen=True):
    eds_health_status: str = _UNKNOWN
    failed_active_health_check: bool = False
    failed_outlier_check: bool = False


class _Host(Struct, frozen=True):
    address: Address = Address()
    health_status: _Health = _Health()


class _Status(Struct, frozen=True):
    name: str
    host_statuses: tuple[Json, ...] = ()


class _Statuses(Struct, frozen=True):
    cluster_statuses: tuple[_Status, ...]


class _Target(Struct, frozen=True):
    address: Address = Address()


class _LbEndpoint(Struct, frozen=True):
    endpoint: _Target = _Target()
    health_status: str = _UNKNOWN


class _Group(Struct, frozen=True):
    lb_endpoints: tuple[Json, ...] = ()


class _Assignment(Struct, frozen=True):
    cluster_name: str
    endpoints: tuple[_Group, ...] = ()


def of_statuses(data: bytes) -> list[Endpoint]:
    """The endpoints in the answer of `/clusters?format=json`. Raises DumpError."""
    try:
        statuses = msgspec.json.decode(data, type=_Statuses).cluster_statuses
    except msgspec.DecodeError as error:
        raise DumpError(f"this is no list of clusters of Envoy: {error}") from error
    return [_of_host(host, status.name) for status in statuses for host in status.host_statuses]


def of_assignments(assignments: Iterable[Json]) -> list[Endpoint]:
    """The endpoints in a configuration dump, which does not say what outlier detection found. Raises DumpError."""
    return [endpoint for assignment in assignments for endpoint in _of_assignment(typed(assignment, _Assignment))]


def select(endpoints: Iterable[Endpoint], wanted: EndpointFilter) -> list[Endpoint]:
    """The endpoints that are meant, sorted by cluster and address."""
    states = {state.upper() for state in wanted.status}
    found = (
        endpoint
        for endpoint in endpoints
        if _matches(endpoint.address, wanted)
        and wanted.cluster in ("", endpoint.cluster)
        and (not states or endpoint.status in states)
    )
    return sorted(found, key=lambda endpoint: (endpoint.cluster, str(endpoint.address)))


def rows(endpoints: Iterable[Endpoint]) -> list[tuple[str, ...]]:
    """One row an endpoint."""
    return [(str(e.address), e.status, e.outlier, e.cluster) for e in endpoints]


def _matches(address: Address, wanted: EndpointFilter) -> bool:
    socket = address.socket_address or SocketAddress()
    return wanted.address in ("", socket.address) and wanted.port in (None, socket.port_value)


def _of_host(resource: Json, cluster: str) -> Endpoint:
    host = typed(resource, _Host)
    health = host.health_status
    status = "UNHEALTHY" if health.failed_active_health_check else health.eds_health_status
    outlier = "FAILED" if health.failed_outlier_check else "OK"
    return Endpoint(host.address, status, outlier, cluster, resource)


def _of_assignment(assignment: _Assignment) -> Iterator[Endpoint]:
    for group in assignment.endpoints:
        for resource in group.lb_endpoints:
            found = typed(resource, _LbEndpoint)
            yield Endpoint(found.endpoint.address, found.health_status, "-", assignment.cluster_name, resource)
