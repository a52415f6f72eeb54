"""What the node process is told when it starts."""

import sys
from ipaddress import IPv4Network
from pathlib import Path
from typing import Final

from msgspec import Struct

from weft.base.places import Places, check_mesh_name

DEFAULT_POD_CIDR: Final = IPv4Network("10.244.0.0/16")
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

    `state` is the node's own folder (mode 0700), `controller` the controller's unix socket. `pod_cidr` is only a wish:
    another range is taken where it overlaps a route of this machine. `hidden` is the folder that no application may
    see, usually the mesh's whole state folder above `state`. `envoy` is the binary that the user named, if any;
    `search_path` is where applications and tools are searched, and is the PATH of applications.
    """

    mesh: str
    state: Path
    controller: Path
    hidden: Path | None = None
    pod_cidr: IPv4Network = DEFAULT_POD_CIDR
    cluster_domain: str = "cluster.local"
    envoy: Path | None = None
    search_path: str = DEFAULT_SEARCH_PATH
    backoff: Backoff = Backoff()
    logs: LogLimits = LogLimits()

    def __post_init__(self) -> None:
        check_mesh_name(self.mesh)
        if not 8 <= self.pod_cidr.prefixlen <= 28:
            raise ValueError(f"{self.pod_cidr} can't hold the pods: use a prefix length between 8 and 28")


def node_settings(places: Places, envoy: Path | None = None) -> NodeSettings:
    """The settings of a mesh's node process, and of whoever looks at what it keeps.

    Applications find the interpreter that runs Weft before any other: a mesh must not depend on shims in PATH.
    """
    own = str(Path(sys.executable).resolve().parent)
    return NodeSettings(
        mesh=places.mesh,
        state=places.node,
        controller=places.controller_socket,
        hidden=places.state,
        envoy=envoy,
        search_path=f"{own}:{DEFAULT_SEARCH_PATH}",
    )
