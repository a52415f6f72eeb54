"""AuthorizationPolicy: to Authorization at the request gate, as IR 2.3 says.

Tiers: 0 CUSTOM, 1 DENY and AUDIT, 2 ALLOW (which closes). A policy that is refused or can't be read fails closed for
all that its selector can match; so does CUSTOM for the requests that it matches, as there are no providers yet.
"""

from collections.abc import Iterator
from typing import Any, Final, Literal

from msgspec import UNSET

from weft.dialects.compiled import Compiled, Lookup
from weft.dialects.istio.security.attributes import (
    Scope,
    operation_conditions,
    source_conditions,
    unknown_attributes,
    when_conditions,
)
from weft.dialects.istio.security.reports import (
    Policy,
    annotation_issues,
    authorization_issues,
    effect_of_closing,
    is_dry_run,
    refused,
    unreadable,
)
from weft.dialects.istio.security.targets import readable_targets, reference_targets, references, workload_target
from weft.dialects.istio.security.validation import problems
from weft.ir.access import Authorization, AuthzRule
from weft.ir.values import All, Target
from weft.model.istio_security import AuthorizationPolicy, Rule
from weft.model.objects import Broken, Object

Meaning = Literal["allow", "deny", "log"]

_MEANING: Final[dict[str, tuple[int, Meaning]]] = {
    "CUSTOM": (0, "deny"),
    "DENY": (1, "deny"),
    "AUDIT": (1, "log"),
    "ALLOW": (2, "allow"),
}
_UNREADABLE: Final = "DENY"
"""What a policy counts as whose action can't be read."""


def compile_authorization_policy(policy: Object[AuthorizationPolicy], lookup: Lookup) -> Compiled:
    """An Authorization for each target of a policy, and what is wrong with it."""
    spec, root = policy.spec, lookup.settings().root_namespace
    found = tuple(problems(spec))
    annotation = tuple(annotation_issues(policy))
    if found:
        targets = readable_targets(_selecting_part(spec), policy.metadata.namespace, root)
        issues = refused(policy, found, effect_of_closing(policy, spec.action, targets))
        return Compiled(_closed(policy, spec.action, targets), (*annotation, *issues))
    scope = Scope(policy.metadata.namespace, lookup.settings().trust_domain.name)
    rules = tuple(_rules(policy, scope))
    fragments = tuple(_authorization(policy, spec.action, target, rules) for target in _targets(policy, root))
    return Compiled(fragments, (*annotation, *authorization_issues(policy)))


def compile_broken_authorization_policy(policy: Broken, lookup: Lookup) -> Compiled:
    """What closes for a policy that can't be read: by its action, and for what its selector can be read to match."""
    spec = policy.body.get("spec")
    readable: dict[str, Any] = spec if isinstance(spec, dict) else {"action": _UNREADABLE}
    action = _readable_action(readable.get("action"))
    targets = readable_targets(readable, policy.metadata.namespace, lookup.settings().root_namespace)
    issue = unreadable(policy, effect_of_closing(policy, action, targets))
    return Compiled(_closed(policy, action, targets), (issue, *annotation_issues(policy)))


def _readable_action(written: object) -> str:
    if written is None:
        return "ALLOW"  # not written, or null, which Kubernetes takes for the same
    return written if isinstance(written, str) and written in _MEANING else _UNREADABLE


def _targets(policy: Object[AuthorizationPolicy], root_namespace: str) -> tuple[Target, ...]:
    namespace, spec = policy.metadata.namespace, policy.spec
    named = references(spec)
    if named:
        return reference_targets(namespace, named)
    return (workload_target(namespace, spec.selector, root_namespace),)


def _selecting_part(spec: AuthorizationPolicy) -> dict[str, Any]:
    labels = {"matchLabels": spec.selector.match_labels} if spec.selector else None
    named = [{"group": each.group, "kind": each.kind, "name": each.name} for each in references(spec)]
    return {"selector": labels, "targetRefs": named}


def _authorization(policy: Policy, action: str, target: Target, rules: tuple[AuthzRule, ...]) -> Authorization:
    tier, meaning = _MEANING[action]
    return Authorization(
        source=policy.provenance(),
        gate="request",
        tier=tier,
        direction="in",
        target=target,
        rules=rules,
        closes=meaning == "allow",
        enforced=not is_dry_run(policy),
    )


def _closed(policy: Policy, action: str, targets: tuple[Target, ...]) -> tuple[Authorization, ...]:
    meaning = _MEANING[action][1]
    if meaning == "log":
        return ()
    rules = (AuthzRule(policy.provenance(), "deny", unparsed="widen"),) if meaning == "deny" else ()
    return tuple(_authorization(policy, action, target, rules) for target in targets)


def _rules(policy: Object[AuthorizationPolicy], scope: Scope) -> Iterator[AuthzRule]:
    meaning = _MEANING[policy.spec.action][1]
    for index, rule in enumerate(policy.spec.rules):
        if meaning == "allow" and unknown_attributes(rule):
            continue  # what can't be judged must not allow; other actions judge the rest of the rule
        yield AuthzRule(
            source=policy.provenance(f"spec.rules[{index}]"),
            action=meaning,
            sources=_sources(rule, scope),
            operations=_operations(rule, scope),
            conditions=when_conditions(rule.when, scope),
            unparsed="skip" if meaning == "allow" else "widen",
        )


def _sources(rule: Rule, scope: Scope) -> tuple[All, ...] | None:
    if rule.from_ is UNSET:
        return None
    return tuple(source_conditions(each.source, scope) for each in rule.from_ if each.source)


def _operations(rule: Rule, scope: Scope) -> tuple[All, ...] | None:
    if rule.to is UNSET:
        return None
    return tuple(operation_conditions(each.operation, scope) for each in rule.to if each.operation)
