"""`proxy-config clusters`."""

from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from weft.cli.proxy.dump import Json, typed
from weft.cli.proxy.names import ClusterName, Metadata, parse_cluster_name

HEADER: Final = ("SERVICE FQDN", "PORT", "SUBSET", "DIRECTION", "TYPE", "DESTINATION RULE")


class ClusterFilter(Struct, frozen=True):
    """Which clusters are meant; what is not given matches all. `fqdn` may be a part of the host."""

    fqdn: str = ""
    port: int | None = None
    subset: str | None = None
    direction: str | None = None


class _Extension(Struct, frozen=True):
    name: str = ""


class _Cluster(Struct, frozen=True):
    name: str
    type: str = "STATIC"
    cluster_type: _Extension | None = None
    metadata: Metadata = Metadata()


def select(clusters: Iterable[Json], wanted: ClusterFilter) -> list[Json]:
    """The clusters that are meant, sorted by host, port, subset and direction."""
    keyed = [(parse_cluster_name(str(cluster.get("name", ""))), cluster) for cluster in clusters]
    found = [(name, cluster) for name, cluster in keyed if _matches(name, wanted)]
    return [cluster for _, cluster in sorted(found, key=lambda pair: _order(pair[0]))]


def rows(clusters: Iterable[Json]) -> list[tuple[str, ...]]:
    """One row a cluster. Raises DumpError."""
    return [_row(typed(cluster, _Cluster)) for cluster in clusters]


def _matches(name: ClusterName, wanted: ClusterFilter) -> bool:
    return (
        wanted.fqdn in name.host
        and wanted.port in (None, name.port)
        and wanted.subset in (None, name.subset)
        and wanted.direction in (None, name.direction)
    )


def _order(name: ClusterName) -> tuple[str, int, str, str]:
    return name.host, name.port, name.subset, name.direction


def _row(cluster: _Cluster) -> tuple[str, ...]:
    name = parse_cluster_name(cluster.name)
    discovery = cluster.cluster_type.name.rpartition(".")[2].upper() if cluster.cluster_type else cluster.type
    port = str(name.port) if name.direction else "-"
    return name.host, port, name.subset or "-", name.direction or "-", discovery, cluster.metadata.config
