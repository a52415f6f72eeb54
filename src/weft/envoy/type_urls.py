"""Type URLs of the resources that Envoy discovers, and the order in which they are pushed."""

from typing import Final

from weft.base.protobuf import type_url

CDS: Final = type_url("envoy.config.cluster.v3.Cluster")
EDS: Final = type_url("envoy.config.endpoint.v3.ClusterLoadAssignment")
LDS: Final = type_url("envoy.config.listener.v3.Listener")
ECDS: Final = type_url("envoy.config.core.v3.TypedExtensionConfig")
RDS: Final = type_url("envoy.config.route.v3.RouteConfiguration")
VHDS: Final = type_url("envoy.config.route.v3.VirtualHost")
SDS: Final = type_url("envoy.extensions.transport_sockets.tls.v3.Secret")

ON_DEMAND: Final = f"{CDS}#on-demand"
"""Clusters that a proxy is told only if it asks for them by name. To proxies they are of the type CDS."""

PUSH_ORDER: Final = (CDS, EDS, LDS, ECDS, RDS, VHDS, SDS)
"""What is referred to goes before what refers to it (xDS protocol, "Eventual consistency considerations")."""

SHORT_NAMES: Final = {CDS: "CDS", EDS: "EDS", LDS: "LDS", ECDS: "ECDS", RDS: "RDS", VHDS: "VHDS", SDS: "SDS"}
"""The names that people use, by type URL."""
