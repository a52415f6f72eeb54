"""What the controller and the node process of a standalone mesh tell each other about pods.

The controller is to the node what an API server is to a kubelet: it says which pods shall run (`PodOrder`), the node
says how they are (`PodReport`). Both sides keep the last they heard, so that either may be dead for a while.
"""

from typing import Final, Literal

from msgspec import Struct

from weft.base.durations import Milliseconds

Isolation = Literal["netns", "userns", "loopback"]
"""How pods are kept apart: by network namespaces and users (needs root), by the namespaces of one ordinary user, or by
addresses of the loopback range alone."""

SOCKET_MARK: Final = 0x539
"""SO_MARK of what an Envoy sends where users can't tell it from what its application sends: Istio's number."""

ADMIN_SOCKET: Final = "admin.sock"
CREDENTIALS_FOLDER: Final = "credentials"
TOKEN_SECRET_FILE: Final = "credentials/token.yaml"
ROOT_SECRET_FILE: Final = "credentials/root.yaml"
"""Paths in a bootstrap, relative to the folder that Envoy is started in. The last two are SDS files with the secrets
`token` (generic) and `root` (validation context); they are replaced together by one rename, which a `watched_directory`
of CREDENTIALS_FOLDER sees."""


def proxy_mark(isolation: Isolation) -> int | None:
    """The mark of what Envoys send, if their users don't tell it."""
    return SOCKET_MARK if isolation == "userns" else None


class Action(Struct, frozen=True, kw_only=True):
    """One check or hook of a container, as in Kubernetes' `Probe`: exactly one of the four kinds is set."""

    http_path: str | None = None
    http_scheme: Literal["HTTP", "HTTPS"] = "HTTP"
    http_headers: tuple[tuple[str, str], ...] = ()
    tcp: bool = False
    command: tuple[str, ...] | None = None
    grpc_service: str | None = None
    host: str = ""
    port: int = 0


class Probe(Struct, frozen=True, kw_only=True):
    """A repeated check with Kubernetes' defaults (core/v1 Probe)."""

    action: Action
    initial_delay: Milliseconds = 0
    period: Milliseconds = 10_000
    timeout: Milliseconds = 1_000
    success_threshold: int = 1
    failure_threshold: int = 3


class ContainerOrder(Struct, frozen=True, kw_only=True):
    """A container to run as a local process.

    `folder` is the local folder that the image name is mapped to: the command runs in it, and it is read-only by
    convention only. `user` is `securityContext.runAsUser`; None runs as the user who started the mesh. With an empty
    `command` nothing is started: the container waits, because it has none, or because the controller can't say yet all
    that belongs to it (a ConfigMap is missing, for example); in that case the controller shows people the reason.
    """

    name: str
    image: str
    command: tuple[str, ...]
    folder: str | None = None
    environment: tuple[tuple[str, str], ...] = ()
    user: int | None = None
    group: int | None = None
    readiness: Probe | None = None
    liveness: Probe | None = None
    startup: Probe | None = None


class RedirectOrder(Struct, frozen=True, kw_only=True):
    """Which traffic of a pod goes to its Envoy: all options of `istio-iptables`, with its defaults.

    Ports and ranges are texts as users write them; `*` is all of them. Users and groups are numbers, or names that the
    machine knows. Without `proxy_groups` those of the users' numbers count.

    - `interception`: `redirect` rewrites destinations; `tproxy` hands over what comes in as it is; `none` does nothing.
    - `proxy_mark`: Envoy's own traffic is told by exactly this mark (SO_MARK) and not by users and groups: for places
      where all processes belong to one user.
    - `loopback_cidr`: what Envoy sends there passes by; `include_owner_groups`: whose traffic is captured at all.
    - `virtual_interfaces`: what comes in by them is treated as sent from here (virtual machines in the pod).
    - `capture_dns` sends DNS that goes to `dns_servers` to Envoy's `dns_port`; `capture_all_dns` all of it.
    - `ipv6`: rules for IPv6 beside those for IPv4.
    """

    interception: Literal["redirect", "tproxy", "none"] = "redirect"
    proxy_users: tuple[int | str, ...] = (1337,)
    proxy_groups: tuple[int | str, ...] | None = None
    proxy_mark: int | None = None
    outbound_port: int = 15001
    inbound_port: int = 15006
    tunnel_port: int = 15008
    tproxy_mark: int = 1337
    tproxy_table: int = 133
    include_outbound_cidrs: tuple[str, ...] = ("*",)
    exclude_outbound_cidrs: tuple[str, ...] = ()
    include_outbound_ports: tuple[str, ...] = ()
    exclude_outbound_ports: tuple[str, ...] = ()
    include_inbound_ports: tuple[str, ...] = ("*",)
    exclude_inbound_ports: tuple[str, ...] = ("15090", "15021", "15020")
    include_owner_groups: tuple[int | str, ...] = ("*",)
    exclude_owner_groups: tuple[int | str, ...] = ()
    loopback_cidr: str = "127.0.0.1/32"
    exclude_interfaces: tuple[str, ...] = ()
    virtual_interfaces: tuple[str, ...] = ()
    capture_dns: bool = False
    capture_all_dns: bool = False
    dns_servers: tuple[str, ...] = ()
    dns_port: int = 15053
    drop_invalid: bool = False
    ipv6: bool = False


class ProxyOrder(Struct, frozen=True, kw_only=True):
    """The Envoy of a pod: its whole bootstrap as JSON text, and where traffic is redirected from.

    `ready_port` answers 200 on /healthz/ready once Envoy has its first whole configuration. `redirect` is None for a
    gateway: it only listens. The node writes token and root certificate into CREDENTIALS_FOLDER and keeps them fresh.
    The bootstrap names files by the relative paths above, so that it does not depend on where the mesh keeps its state;
    its admin listener is the unix socket ADMIN_SOCKET. `hold_application` starts the containers only once Envoy
    answers on `ready_port` (Istio's `holdApplicationUntilProxyStarts`, and what it does with native sidecars).
    `concurrency` is the number of Envoy's worker threads, 0 for one for each processor. `address` is where Envoy
    has its own ports, if not at the loopback of the pod's network.
    """

    bootstrap: str
    user: int = 1337
    group: int = 1337
    ready_port: int = 15021
    concurrency: int = 1
    log_level: str = "warning"
    drain: Milliseconds = 5_000
    hold_application: bool = True
    redirect: RedirectOrder | None = None
    address: str = ""


class PodOrder(Struct, frozen=True, kw_only=True):
    """A pod that shall run. A changed order for the same `uid` is taken live where that is possible.

    `addresses` are given by the controller: one of each family of the mesh, the primary one first. `host_network` pods
    run in the namespace that the mesh was started in.
    """

    uid: str
    namespace: str
    name: str
    service_account: str
    addresses: tuple[str, ...]
    host_network: bool = False
    containers: tuple[ContainerOrder, ...] = ()
    proxy: ProxyOrder | None = None
    restart: Literal["Always", "OnFailure", "Never"] = "Always"
    termination_grace: Milliseconds = 30_000
    hostname: str = ""

    @property
    def address(self) -> str:
        """The primary address; empty for a pod that has none."""
        return next(iter(self.addresses), "")


class HostEntry(Struct, frozen=True):
    """A name that pods of a namespace can resolve: its addresses and all names that lead to them."""

    addresses: tuple[str, ...]
    names: tuple[str, ...]


class ServiceTarget(Struct, frozen=True):
    """One port of a service's virtual address and the ready endpoints behind it, for traffic that no Envoy handles.

    `sticky` keeps each client at one of them as long as they stay the same.
    """

    address: str
    port: int
    protocol: Literal["TCP", "UDP"]
    endpoints: tuple[tuple[str, int], ...]
    sticky: bool = False


class NodeOrders(Struct, frozen=True, kw_only=True):
    """Everything that the node shall bring about: the whole wanted state, sent again whole when it changes.

    `hosts` maps a namespace to the names that its pods can resolve. A changed `trust_revision` makes the node ask for
    new credentials for every pod at once, as after a change of the root certificate.
    """

    revision: int
    trust_revision: int = 0
    pods: tuple[PodOrder, ...] = ()
    hosts: tuple[tuple[str, tuple[HostEntry, ...]], ...] = ()
    services: tuple[ServiceTarget, ...] = ()


class Credentials(Struct, frozen=True, kw_only=True):
    """What the Envoy of one pod proves itself with to the controller, and trusts it by; `expires` in Unix seconds."""

    token: str
    root: str
    expires: int


class ContainerEnd(Struct, frozen=True):
    """How a run of a container ended, with times in Unix seconds. `exit_code` is None where nobody saw it."""

    reason: str
    message: str
    exit_code: int | None
    started: int
    finished: int


class ContainerReport(Struct, frozen=True, kw_only=True):
    """How a container is. `exit_code` is None while it runs, and where its end was not seen (adopted processes).

    `finished` is when it ended, if it has; `last` is the end of the run before.
    """

    name: str
    state: Literal["waiting", "running", "terminated"]
    reason: str = ""
    message: str = ""
    ready: bool = False
    restarts: int = 0
    pid: int | None = None
    exit_code: int | None = None
    started: int = 0
    finished: int = 0
    last: ContainerEnd | None = None


class PodReport(Struct, frozen=True, kw_only=True):
    """How a pod is: Kubernetes' phase, readiness of all containers and of its Envoy, and times in Unix seconds.

    A pod that left the orders is reported as not ready with reason `Terminating` and at last once with reason
    `Removed`: only then may its address be given to another pod.
    """

    uid: str
    phase: Literal["Pending", "Running", "Succeeded", "Failed", "Unknown"]
    ready: bool
    reason: str = ""
    message: str = ""
    containers: tuple[ContainerReport, ...] = ()
    proxy: ContainerReport | None = None
    started: int = 0
