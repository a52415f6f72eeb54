"""What the node process is told when it starts."""

import sys
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from weft.base.families import Family, Network, families_of
from weft.base.places import Places, check_mesh_name
from weft.model.local import Isolation
from weft.node.addresses import DEFAULT_POD_CIDRS
from weft.node.state import write_atomically

_FEWEST_ADDRESSES: Final = 16
DEFAULT_SEARCH_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Backoff(Struct, frozen=True):
    """When a process that ended starts again, in seconds: at once, then `initial`, doubled up to `limit`.

    A process that ran for `forgive` starts anew. The defaults are the kubelet's
    (https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#restart-policy).
    """

    initial: float = 10
    limit: float = 300
    forgive: float = 600


class LogLimits(Struct, frozen=True):
    """When the output of a process is cut, in bytes, and how many parts stay.

    The defaults are the kubelet's (`containerLogMaxSize`, `containerLogMaxFiles`). `interval` is the time between two
    looks at the sizes, in seconds.
    """

    size: int = 10 * 2**20
    files: int = 5
    interval: float = 10


class NodeSettings(Struct, frozen=True, kw_only=True):
    """Settings of one node process.

    `state` is the node's own folder (mode 0700), `controller` the controller's unix socket. `pod_cidrs`, one of each
    family, are only wishes: another range is taken where one overlaps a route of this machine. `hidden` is the folder
    that no application may see, usually the mesh's whole state folder above `state`. `envoy` is the binary that the
    user named, if any; `search_path` is where applications and tools are searched, and is the PATH of applications.
    `isolation` is how pods are kept apart.
    """

    mesh: str
    state: Path
    controller: Path
    isolation: Isolation = "netns"
    hidden: Path | None = None
    pod_cidrs: tuple[Network, ...] = (DEFAULT_POD_CIDRS["IPv4"],)
    cluster_domain: str = "cluster.local"
    envoy: Path | None = None
    search_path: str = DEFAULT_SEARCH_PATH
    backoff: Backoff = Backoff()
    logs: LogLimits = LogLimits()

    def __post_init__(self) -> None:
        check_mesh_name(self.mesh)
        for cidr in self.pod_cidrs:
            if cidr.prefixlen < 8 or cidr.num_addresses < _FEWEST_ADDRESSES:
                longest = cidr.max_prefixlen - 4
                raise ValueError(f"{cidr} can't hold the pods: use a prefix length between 8 and {longest}")

    @property
    def families(self) -> tuple[Family, ...]:
        """The families of pods' addresses, the primary one first."""
        return families_of(map(str, self.pod_cidrs))

    @property
    def mark(self) -> str:
        """What names the mesh on its processes. Namespaces of one's own may hold a mesh of the same name as another
        one's, so there the state folder takes part."""
        if self.isolation == "netns":
            return f"weft-{self.mesh}"
        return f"weft-{self.mesh}-{sha256(str(self.state).encode()).hexdigest()[:12]}"


def node_settings(places: Places, envoy: Path | None = None, families: Iterable[Family] = ("IPv4",)) -> NodeSettings:
    """The settings of a mesh's node process, and of whoever looks at what it keeps; its isolation is the stored one.

    Applications find the interpreter that runs Weft before any other: a mesh must not depend on shims in PATH.
    """
    own = str(Path(sys.executable).resolve().parent)
    return NodeSettings(
        mesh=places.mesh,
        state=places.node,
        controller=places.controller_socket,
        isolation=stored_isolation(places),
        pod_cidrs=tuple(DEFAULT_POD_CIDRS[family] for family in families),
        hidden=places.state,
        envoy=envoy,
        search_path=f"{own}:{DEFAULT_SEARCH_PATH}",
    )


def stored_isolation(places: Places) -> Isolation:
    """The isolation that a mesh was started with: all its processes and the command line follow it."""
    try:
        stored: Isolation = msgspec.convert(places.isolation.read_text().strip(), Isolation)
    except FileNotFoundError:
        return "netns"
    return stored


def store_isolation(places: Places, isolation: Isolation) -> None:
    """Writes down how a mesh is isolated, before anything of it is made."""
    write_atomically(places.isolation, isolation.encode())
