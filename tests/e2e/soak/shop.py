"""The mesh that is changed, and the loads on it: HTTP and bytes, through sidecars and a gateway, kept and fresh
connections, to pods that come and go and to pods that stay."""

from typing import Any, Final

from msgspec import Struct
from tests.e2e.mesh.harness.manifests import (
    Manifest,
    account,
    client,
    gateway,
    images,
    mesh_config,
    namespace,
    server,
    service,
)

PORTS: Final = (
    {"name": "http", "port": 80, "targetPort": 8080},
    {"name": "tcp-lines", "port": 9000, "targetPort": 9000},
)
GATEWAY_PORT: Final = 8080
FRONT: Final = "front.example"
CLIENTS: Final = ("shop/sa/client", "far/sa/visitor", "ingress/sa/gateway")
"""Who must always be allowed in."""

_SETTINGS: Final = "accessLogFile: /dev/stdout\n"
_ON_DEMAND: Final = "defaultConfig: {proxyMetadata: {WEFT_ON_DEMAND_CLUSTERS: 'true'}}\n"


class LoadPlan(Struct, frozen=True):
    """A load: the application that it comes from, or `machine`, its URL, requests (or lines) a second, and further
    options of `applications/load.py`."""

    of: str
    url: str
    rate: float
    how: dict[str, Any] = {}

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.of} to {self.url}"


LOADS: Final = (
    LoadPlan("client", "http://echo/", 30.0, {"kept": 6, "fresh": 2}),
    LoadPlan("client", "http://steady.shop/", 15.0, {"kept": 4, "fresh": 1}),
    LoadPlan("client", "http://sliced/", 10.0, {"kept": 2, "fresh": 1}),
    LoadPlan("client", "tcp://echo:9000", 16.0, {"kept": 3, "fresh": 1}),
    LoadPlan("visitor", "http://echo.shop/", 20.0, {"kept": 4, "fresh": 2}),
    LoadPlan("visitor", "http://echo.shop/?delay=1.5", 5.0, {"kept": 10, "fresh": 3}),
    LoadPlan("visitor", "tcp://steady.shop:9000", 16.0, {"kept": 3, "fresh": 1}),
    LoadPlan("machine", f"http://{FRONT}/", 20.0, {"kept": 4, "fresh": 2, "to": f"127.0.0.1:{GATEWAY_PORT}"}),
)
"""Connections of bytes live for two seconds: less than an Envoy takes to drain a listener, which ends all of them."""


def manifests(*, on_demand: bool) -> list[Manifest]:
    """What is there all the time; `on_demand`: sidecars get clusters when requests ask for them."""
    sliced = service("shop", "sliced", PORTS[:1])
    del sliced["spec"]["selector"]
    return [
        images(),
        namespace("istio-system"),
        mesh_config(_SETTINGS + (_ON_DEMAND if on_demand else "")),
        namespace("shop"),
        namespace("far"),
        namespace("ingress"),
        namespace("plain", sidecars=False),
        *(account("shop", name) for name in ("client", "echo", "steady")),
        account("far", "visitor"),
        account("plain", "stranger"),
        account("ingress", "gateway"),
        client("shop", "client"),
        client("far", "visitor"),
        client("plain", "stranger"),
        gateway("ingress", "gateway"),
        service("shop", "echo", PORTS),
        service("shop", "steady", PORTS),
        server("shop", "steady", replicas=2, tcp=(9000,)),
        sliced,
    ]
