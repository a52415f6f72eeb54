"""Authorization of bytes that are not HTTP: network filters, judged once when the client sends its first byte.

A server that speaks first is therefore heard by a client that is then refused (Envoy issue 9023); nothing that the
client sends reaches it.
"""

from collections.abc import Sequence
from typing import Any, Final

from google.protobuf.message import Message

from weft.base import protobuf
from weft.envoy.messages import extension
from weft.envoy.rbac.http import ALLOW, AUDIT, DENY
from weft.envoy.rbac.names import AUDIT_PREFIX, DRY_RUN_ALLOW_PREFIX, DRY_RUN_DENY_PREFIX
from weft.envoy.rbac.policies import Action, network_stage
from weft.ir.access import Authorization

_RBAC: Final = "envoy.extensions.filters.network.rbac.v3.RBAC"
_STAGES: Final[tuple[tuple[str, Action, str], ...]] = (
    (AUDIT, "log", AUDIT_PREFIX),
    (DENY, "deny", DRY_RUN_DENY_PREFIX),
    (ALLOW, "allow", DRY_RUN_ALLOW_PREFIX),
)


def access_network_filters(authorizations: Sequence[Authorization], domains: tuple[str, ...] = ()) -> list[Message]:
    """Returns the network filters for a chain of bytes, to stand first in it; none where nothing is asked.

    `domains` are the names of the local trust domain, aliases included.
    """
    filters = []
    for name, action, prefix in _STAGES:
        stage = network_stage(authorizations, action, domains)
        if not stage.empty:
            # Only dry runs leave the name of a rule in the metadata of a connection, so audits are both.
            shadow = stage.rules if action == "log" else stage.dry_run
            fields: dict[str, Any] = {"rules": stage.rules, "shadow_rules": shadow, "shadow_rules_stat_prefix": prefix}
            rbac = extension(name, _RBAC, stat_prefix=f"{name}.", **fields)
            filters.append(protobuf.new("envoy.config.listener.v3.Filter", **rbac))
    return filters
