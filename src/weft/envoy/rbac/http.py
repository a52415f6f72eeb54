"""Authorization of requests: disabled filters in every chain, and policies that come with the routes and enable them.

A change of policy is then a change of routes, which acts at once on connections that are open; a changed filter would
act on new connections only.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from google.protobuf.message import Message
from msgspec import Struct

from weft.base import protobuf
from weft.envoy.messages import extension
from weft.envoy.rbac.names import (
    AUDIT_PREFIX,
    CLOSED_BY_KEY,
    DRY_RUN_ALLOW_PREFIX,
    DRY_RUN_DENY_PREFIX,
    METADATA,
    closed_by,
)
from weft.envoy.rbac.policies import Action, http_stage
from weft.ir.access import Authorization

AUDIT: Final = "weft.rbac.audit"
DENY: Final = "weft.rbac.deny"
ALLOW: Final = "weft.rbac.allow"
"""Names of the filters, in their order in the chain; Istio's order too."""

_RBAC: Final = "envoy.extensions.filters.http.rbac.v3.RBAC"
_STAGES: Final[tuple[tuple[str, Action, dict[str, Any]], ...]] = (
    (AUDIT, "log", {"rules_stat_prefix": AUDIT_PREFIX}),
    (DENY, "deny", {"shadow_rules_stat_prefix": DRY_RUN_DENY_PREFIX}),
    (ALLOW, "allow", {"shadow_rules_stat_prefix": DRY_RUN_ALLOW_PREFIX}),
)


class RouteAccess(Struct, frozen=True):
    """What a route carries: configuration of filters, and metadata for access logs, each by name.

    Both belong on every Route: a policy is found only where the route of a request is.
    """

    typed_per_filter_config: Mapping[str, Message]
    filter_metadata: Mapping[str, Message]

    def fields(self) -> dict[str, Any]:
        """Returns the two fields of envoy.config.route.v3.Route; fields without content are left out."""
        fields: dict[str, Any] = {}
        if self.typed_per_filter_config:
            fields["typed_per_filter_config"] = dict(self.typed_per_filter_config)
        if self.filter_metadata:
            fields["metadata"] = {"filter_metadata": dict(self.filter_metadata)}
        return fields


def access_filters() -> list[Message]:
    """Returns the HttpFilters for a chain, to stand before all that answers or forwards requests.

    A request passes those that its route has rules for (Envoy, HttpFilter.disabled: the route's configuration enables).
    """
    http_filter = "envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter"
    return [protobuf.new(http_filter, disabled=True, **extension(name, _RBAC, **prefix)) for name, _, prefix in _STAGES]


def route_access(authorizations: Sequence[Authorization], domains: tuple[str, ...] = ()) -> RouteAccess:
    """Returns what routes of a port carry. `domains` are the names of the local trust domain, aliases included."""
    configs = {}
    for name, action, prefix in _STAGES:
        stage = http_stage(authorizations, action, domains)
        if not stage.empty:
            rbac = protobuf.new(_RBAC, rules=stage.rules, shadow_rules=stage.dry_run, **prefix)
            configs[name] = protobuf.pack(protobuf.new(f"{_RBAC}PerRoute", rbac=rbac))
    closing = closed_by(authorizations)
    metadata = {METADATA: protobuf.struct({CLOSED_BY_KEY: closing})} if closing else {}
    return RouteAccess(configs, metadata)
