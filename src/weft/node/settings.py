"""What the node process is told when it starts."""

import re
from ipaddress import IPv4Network
from pathlib import Path
from typing import Final

from msgspec import Struct

DEFAULT_POD_CIDR: Final = IPv4Network("10.244.0.0/16")
DEFAULT_SEARCH_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# A pod's namespace is called weft-<mesh>-<10 hex digits>: no mesh may be called like a pod of another one.
_MESH: Final = re.compile(r"(?!.*-[0-9a-f]{10}$)[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?")


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
        if not _MESH.fullmatch(self.mesh):
            raise ValueError(
                f"{self.mesh!r} can't be the name of a mesh: use at most 40 of a-z, 0-9 and -, "
                "and not a - and ten hexadecimal digits at the end"
            )
        if not 8 <= self.pod_cidr.prefixlen <= 28:
            raise ValueError(f"{self.pod_cidr} can't hold the pods: use a prefix length between 8 and 28")
