"""Names of the filters in our chains. Per-route configuration finds its filter by them."""

from typing import Final

FAULT: Final = "envoy.filters.http.fault"
CORS: Final = "envoy.filters.http.cors"
ON_DEMAND: Final = "envoy.filters.http.on_demand"
SESSION: Final = "envoy.filters.http.stateful_session"
ROUTER: Final = "envoy.filters.http.router"
CONNECTION_MANAGER: Final = "envoy.filters.network.http_connection_manager"
TCP_PROXY: Final = "envoy.filters.network.tcp_proxy"
