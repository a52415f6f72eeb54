"""What a bootstrap is made of."""

from msgspec import Struct

from weft.ir.values import Interception, Labels, Locality


class Node(Struct, frozen=True, kw_only=True):
    """Who the proxy is. `role` is `sidecar` or `router`; `workload` is its owner's name (a Deployment's, say).

    `address` is its primary one, `also` are those of other families. `interception` is how traffic gets to a sidecar;
    nothing is redirected to a router.
    """

    role: str
    address: str
    name: str
    namespace: str
    service_account: str
    labels: Labels = ()
    workload: str = ""
    node: str = ""
    mesh: str = "cluster.local"
    cluster: str = "Kubernetes"
    network: str = ""
    cluster_domain: str = "cluster.local"
    locality: Locality = ("", "", "")
    version: str = ""
    interception: Interception = "redirect"
    also: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Its name for the control plane: `sidecar~10.244.0.7~reviews-1.default~default.svc.cluster.local`."""
        return f"{self.role}~{self.address}~{self.name}.{self.namespace}~{self.namespace}.svc.{self.cluster_domain}"


class ControlPlane(Struct, frozen=True, kw_only=True):
    """Where configuration comes from. `server_name` is what its certificate must carry.

    `token` and `roots` are files that hold a Secret for file discovery each (`token_secret`, `roots_secret`);
    `directory` is the one whose replaced link announces new content of them and of the files that they name.
    """

    address: str
    port: int
    server_name: str
    token: str
    roots: str
    directory: str


class BootstrapSettings(Struct, frozen=True, kw_only=True):
    """All that differs from proxy to proxy.

    `admin_socket` is a path whose folder the proxy's user may write to. `mark` is put on every socket towards a
    destination, where redirect rules know the proxy's own traffic by it and not by its user. Readiness and metrics are
    served at the addresses `listen`, what may be read of the admin interface at those of `admin_listen`. `source` is
    the address from which other workloads are called, where the machine would pick another one.
    """

    node: Node
    control_plane: ControlPlane
    admin_socket: str
    listen: tuple[str, ...] = ("0.0.0.0",)
    admin_listen: tuple[str, ...] = ("127.0.0.1",)
    mark: int | None = None
    source: str = ""
