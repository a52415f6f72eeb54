"""The HTTP filters of our chains, in order. What differs per route or host comes with the routes, so that a change of
it touches no connection.

Filters that do nothing but for routes that configure them are disabled in the chain: a request passes only those that
its route has a configuration for (Envoy, HttpFilter.disabled). They stay in the chain, so that a route can gain one at
once.
"""

from typing import Any, Final

from google.protobuf.message import Message

from weft.base import protobuf
from weft.envoy.dns import dynamic_dns_filter
from weft.envoy.filter_names import CORS, FAULT, ON_DEMAND, ROUTER, SESSION
from weft.envoy.messages import discovered, extension, milliseconds
from weft.envoy.rbac.http import access_filters

_PACKAGE: Final = "envoy.extensions.filters.http"
_ON_DEMAND_TIMEOUT: Final = 5_000  # Envoy's default, OnDemandCds.timeout
_HTTP_FILTER: Final = "envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter"


def client_filters(*, on_demand: bool = False) -> list[Message]:
    """Returns the filters for requests on their way to a destination: faults, cross-origin rules, sessions, routing.

    `on_demand`: a request for a cluster that is not there asks for it, and waits.
    """
    return [
        *([_filter(_on_demand_filter())] if on_demand else ()),
        _filter(extension(FAULT, f"{_PACKAGE}.fault.v3.HTTPFault"), disabled=True),
        _filter(extension(CORS, f"{_PACKAGE}.cors.v3.Cors"), disabled=True),
        _filter(extension(SESSION, f"{_PACKAGE}.stateful_session.v3.StatefulSession"), disabled=True),
        _filter(dynamic_dns_filter()),
        router(),
    ]


def server_filters() -> list[Message]:
    """Returns the filters for requests to the workload: policies, then routing."""
    return [*access_filters(), router()]


def gateway_filters() -> list[Message]:
    """Returns the filters of a gateway, where requests enter: policies come before anything is done with them."""
    return [*access_filters(), *client_filters()]


def router() -> Message:
    """Returns the last filter of every chain."""
    return _filter(extension(ROUTER, f"{_PACKAGE}.router.v3.Router"))


def _on_demand_filter() -> dict[str, Any]:
    clusters = {"source": discovered(), "timeout": milliseconds(_ON_DEMAND_TIMEOUT)}
    return extension(ON_DEMAND, f"{_PACKAGE}.on_demand.v3.OnDemand", odcds=clusters)


def _filter(fields: dict[str, Any], *, disabled: bool = False) -> Message:
    return protobuf.new(_HTTP_FILTER, disabled=disabled, **fields)
