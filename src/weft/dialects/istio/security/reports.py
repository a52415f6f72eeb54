"""What is said about a security policy: why it is refused, what it closes then, and what of it has no effect."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from weft.base.issues import Issue
from weft.dialects.istio.security.attributes import unknown_attributes
from weft.dialects.istio.security.targets import references
from weft.ir.values import Target
from weft.model import codes
from weft.model.fields import format_path
from weft.model.istio_security import AuthorizationPolicy, Rule
from weft.model.objects import Broken, Object

DRY_RUN: Final = "istio.io/dry-run"
_TRUE: Final = ("1", "t", "T", "TRUE", "true", "True")
_FALSE: Final = ("0", "f", "F", "FALSE", "false", "False")

Policy = Object[AuthorizationPolicy] | Broken
"""A policy, readable or not."""


def is_dry_run(policy: Policy) -> bool:
    """Whether a policy is only tried out (annotation `istio.io/dry-run`, a truth value as Go's strconv reads it)."""
    return policy.metadata.annotations.get(DRY_RUN, "false") in _TRUE


def annotation_issues(policy: Policy) -> Iterator[Issue]:
    """An issue where the dry-run annotation has no truth value."""
    value = policy.metadata.annotations.get(DRY_RUN, "false")
    if value not in (*_TRUE, *_FALSE):
        yield Issue(
            codes.INVALID_ANNOTATION,
            "warning",
            policy.ref,
            format_path(("metadata", "annotations", DRY_RUN)),
            f"invalid annotation: {value!r} is no truth value",
            effect="the policy is enforced",
            advice='write "true" or "false"',
        )


def refused(policy: Object[Any], problems: Iterable[tuple[str, str]], effect: str) -> tuple[Issue, ...]:
    """An issue for every (path, message) because of which a policy is not used."""
    return tuple(
        Issue(codes.INVALID, "error", policy.ref, path, message, effect=effect, advice="correct this field")
        for path, message in problems
    )


def unreadable(policy: Broken, effect: str) -> Issue:
    """What an unreadable policy does; why it can't be read is said where it was read."""
    return Issue(
        codes.FAILS_CLOSED,
        "warning",
        policy.ref,
        "spec",
        "the policy can't be read as a whole",
        effect=effect,
        advice="correct the fields that are named beside this",
    )


def effect_of_closing(policy: Policy, action: str, targets: tuple[Target, ...]) -> str:
    """What a policy that fails closed does."""
    if action == "AUDIT":
        return "nothing is logged for this policy"
    if is_dry_run(policy):
        return "its dry run reports every request as denied"
    where = _place(targets[0]) if targets else "its targets"
    if action == "ALLOW":
        return f"it allows nothing: what no other policy allows to {where} is refused"
    return f"every request to {where} is refused"


def authorization_issues(policy: Object[AuthorizationPolicy]) -> Iterator[Issue]:
    """What of a valid policy has no effect, or another one than its author may think."""
    spec = policy.spec
    if not spec.rules and spec.action != "ALLOW":
        message = f"the policy has no impact: {spec.action} without rules never matches"
        yield _warning(policy, codes.NO_IMPACT, "spec.rules", message)
    elif spec.action == "CUSTOM":
        yield Issue(
            codes.NO_PROVIDER,
            "error",
            policy.ref,
            "spec.provider.name",
            f"there is no provider {spec.provider.name if spec.provider else ''!r}: external authorizers aren't built",
            effect="requests that the policy matches are refused",
            advice="express the check with DENY and ALLOW, or remove the policy",
        )
    if references(spec):
        message = "the policy has no impact: no waypoint or managed gateway is there to enforce it"
        yield _warning(policy, codes.NO_IMPACT, "spec.targetRefs", message)
    for index, rule in enumerate(spec.rules):
        yield from _rule_issues(policy, rule, f"spec.rules[{index}]")


def _rule_issues(policy: Object[AuthorizationPolicy], rule: Rule, path: str) -> Iterator[Issue]:
    for key in unknown_attributes(rule):
        effect = "the rule never matches" if policy.spec.action == "ALLOW" else "the rule matches whatever it is"
        yield _warning(policy, codes.CONDITION_NOT_JUDGED, f"{path}.when", f"{key} can't be judged", effect)
    if _reads_tokens(rule):
        message = "the rule asks for a token, and tokens aren't checked yet"
        yield _warning(policy, codes.NO_TOKENS, path, message, "every request is judged as one without a token")


def _warning(policy: Policy, code: str, path: str, message: str, effect: str = "nothing is enforced") -> Issue:
    return Issue(code, "warning", policy.ref, path, message, effect=effect)


def _reads_tokens(rule: Rule) -> bool:
    sources = [each.source for each in rule.from_ or () if each.source]
    return any(each.request_principals or each.not_request_principals for each in sources) or any(
        each.key.startswith("request.auth.") for each in rule.when
    )


def _place(target: Target) -> str:
    if target.kind == "mesh":
        return "every workload of the mesh"
    if target.kind == "namespace":
        return f"every workload of namespace {target.namespace}"
    return "the workloads that it selects" if target.kind == "workloads" else f"{target.kind} {target.name}"
