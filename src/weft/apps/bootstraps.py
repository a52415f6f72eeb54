"""What the Envoys of a standalone mesh start with."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from weft import __version__
from weft.base.families import LOOPBACK, any_addresses, families_of
from weft.dialects.kubernetes.injection import Template
from weft.dialects.kubernetes.pod import interception_of, workload_name
from weft.envoy.bootstrap.document import bootstrap_text
from weft.envoy.bootstrap.settings import BootstrapSettings, ControlPlane, Node
from weft.ir.settings import MeshSettings
from weft.model.kubernetes import PodSpec
from weft.model.local import ADMIN_SOCKET, CREDENTIALS_FOLDER, ROOT_SECRET_FILE, TOKEN_SECRET_FILE
from weft.model.objects import Object

SERVER_NAME: Final = "istiod.istio-system.svc"
"""The name that the control plane's certificate carries (Istio, ProxyConfig.discoveryAddress)."""

XDS_PORT: Final = 15012
"""Where the control plane listens for proxies (Istio)."""

MONITORING_PORT: Final = 15014
"""Where the control plane serves its metrics (Istio)."""

_MACHINE: Final = (LOOPBACK["IPv4"],)
"""Where a gateway serves readiness and metrics: it is in the network of the machine, where they are nobody else's, and
which has no loopback address of IPv6 everywhere."""

_ROLES: Final = {"sidecar": "sidecar", "gateway": "router"}


class ProxyBootstraps(Struct, frozen=True):
    """Writes bootstraps for Envoys that find the control plane at an address and port. `mark` is put on all that they
    send, where it is not told by their users."""

    settings: MeshSettings
    address: str
    port: int
    mark: int | None = None

    def bootstrap(
        self, pod: Object[PodSpec], addresses: tuple[str, ...], template: Template, *, proxy_address: str = ""
    ) -> str:
        """The bootstrap of the Envoy of a pod with these addresses, as JSON.

        Without a `proxy_address` traffic is redirected to it, or it is a gateway. With one it is alone there, and calls
        others from the pod's address.
        """
        meta, families = pod.metadata, families_of(addresses)
        node = Node(
            role=_ROLES[template],
            address=addresses[0],
            also=addresses[1:],
            name=meta.name,
            namespace=meta.namespace,
            service_account=pod.spec.account,
            labels=tuple(sorted(meta.labels.items())),
            workload=workload_name(meta),
            mesh=self.settings.trust_domain.name,
            cluster=self.settings.cluster,
            network=self.settings.network,
            cluster_domain=self.settings.cluster_domain,
            version=__version__,
            interception="none" if proxy_address else interception_of(meta.annotations),
        )
        own = (proxy_address,) if proxy_address else _MACHINE if template == "gateway" else ()
        control_plane = ControlPlane(
            address=self.address,
            port=self.port,
            server_name=SERVER_NAME,
            token=TOKEN_SECRET_FILE,
            roots=ROOT_SECRET_FILE,
            directory=CREDENTIALS_FOLDER,
        )
        settings = BootstrapSettings(
            node=node,
            control_plane=control_plane,
            admin_socket=ADMIN_SOCKET,
            listen=own or any_addresses(families),
            admin_listen=own or tuple(LOOPBACK[family] for family in families),
            mark=self.mark,
            source=addresses[0] if proxy_address and template == "sidecar" else "",
        )
        return bootstrap_text(settings)
