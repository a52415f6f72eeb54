"""Authorizations of the request gate as sets of RBAC policies, one set for each stage.

Stages follow each other as tiers do: audit, then deny (tiers 0 and 1), then allow (tier 2, where what closes refuses
the rest). What this can't express is refused when it is built, never left out.
"""

from collections.abc import Iterable, Sequence
from typing import Final, Literal

from google.protobuf.message import Message
from msgspec import Struct
from msgspec.structs import replace

from weft.base import protobuf
from weft.envoy.rbac.names import policy_name
from weft.envoy.rbac.permissions import permission_leaf
from weft.envoy.rbac.principals import principal_leaf
from weft.envoy.rbac.terms import PERMISSION, PRINCIPAL, Term
from weft.ir.access import Authorization, AuthzRule
from weft.ir.conditions import on_bytes
from weft.ir.values import Condition

Action = Literal["log", "deny", "allow"]

_ALLOW_TIER: Final = 2
_ACTIONS: Final[dict[Action, str]] = {"log": "LOG", "deny": "DENY", "allow": "ALLOW"}


class Stage(Struct, frozen=True):
    """The policies of one filter: those that decide, and those of dry runs. None: there are none."""

    rules: Message | None
    dry_run: Message | None

    @property
    def empty(self) -> bool:
        """Whether the filter has nothing to do."""
        return self.rules is None and self.dry_run is None


def http_stage(authorizations: Sequence[Authorization], action: Action, domains: tuple[str, ...]) -> Stage:
    """Returns the policies of one stage for requests. `domains` are the names of the local trust domain.

    ValueError for an authorization of another gate, or one that needs more than these stages.
    """
    for each in authorizations:
        _require_expressible(each)
    enforced = [each for each in authorizations if each.enforced]
    dry = [each for each in authorizations if not each.enforced and action != "log"]
    return Stage(_policies(enforced, action, domains), _policies(dry, action, domains))


def network_stage(authorizations: Sequence[Authorization], action: Action, domains: tuple[str, ...]) -> Stage:
    """The same for bytes that are not HTTP: rules about requests are skipped or widened (A9)."""
    return http_stage([_without_requests(each) for each in authorizations], action, domains)


def _without_requests(authorization: Authorization) -> Authorization:
    kept = tuple(rule for rule in map(on_bytes, authorization.rules) if rule is not None)
    return replace(authorization, rules=kept)


def _require_expressible(authorization: Authorization) -> None:
    allowing = authorization.tier == _ALLOW_TIER
    possible = ("allow",) if allowing else ("deny", "log")
    plain = all(rule.order == 0 and rule.action in possible for rule in authorization.rules)
    placed = authorization.gate == "request" and authorization.tier <= _ALLOW_TIER
    if not (plain and placed) or authorization.closes != allowing:
        raise ValueError(f"{policy_name(authorization.source)} needs more than the stages audit, deny and allow")


def _policies(authorizations: list[Authorization], action: Action, domains: tuple[str, ...]) -> Message | None:
    """Returns the rules of an action, None where there are none. A closing tier without rules still refuses all."""
    policies: dict[str, Message] = {}
    for rule in _rules(authorizations, action):
        name = policy_name(rule.source)
        while name in policies:
            name += "+"
        policies[name] = _policy(rule, domains)
    closes = action == "allow" and any(each.closes for each in authorizations)
    if not policies and not closes:
        return None
    return protobuf.new("envoy.config.rbac.v3.RBAC", action=_ACTIONS[action], policies=policies)


def _rules(authorizations: Iterable[Authorization], action: Action) -> list[AuthzRule]:
    return [rule for each in authorizations for rule in each.rules if rule.action == action]


def _policy(rule: AuthzRule, domains: tuple[str, ...]) -> Message:
    asked = [condition for condition in rule.conditions if permission_leaf(condition.key)]
    asking = [condition for condition in rule.conditions if condition not in asked]
    permissions = [_permission(condition, rule) for condition in asked]
    principals = [_principal(condition, rule, domains) for condition in asking]
    if rule.operations is not None:
        either = [PERMISSION.every([_permission(each, rule) for each in terms]) for terms in rule.operations]
        permissions.append(PERMISSION.some(either))
    if rule.sources is not None:
        either = [PRINCIPAL.every([_principal(each, rule, domains) for each in terms]) for terms in rule.sources]
        principals.append(PRINCIPAL.some(either))
    return protobuf.new(
        "envoy.config.rbac.v3.Policy",
        permissions=[PERMISSION.every(permissions)],
        principals=[PRINCIPAL.every(principals)],
    )


def _permission(condition: Condition, rule: AuthzRule) -> Term:
    leaf = permission_leaf(condition.key)
    return PERMISSION.condition(condition, leaf) if leaf else _unknown(rule, PERMISSION.never())


def _principal(condition: Condition, rule: AuthzRule, domains: tuple[str, ...]) -> Term:
    leaf = principal_leaf(condition.key, domains)
    return PRINCIPAL.condition(condition, leaf) if leaf else _unknown(rule, PRINCIPAL.never())


def _unknown(rule: AuthzRule, never: Term) -> Term:
    """Returns what stands for a condition that can't be expressed: what allows must not match, what denies must."""
    return never if rule.action == "allow" else {"any": True}
