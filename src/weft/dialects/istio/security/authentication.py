"""PeerAuthentication to Authentication (I5); RequestAuthentication, which is only recognised yet."""

from collections.abc import Iterator
from typing import Final

from weft.base.issues import Issue
from weft.dialects.compiled import Compiled, Lookup
from weft.dialects.istio.security.reports import refused, unreadable
from weft.dialects.istio.security.targets import readable_targets, selector_problems, workload_target
from weft.dialects.istio.security.texts import HIGHEST_PORT
from weft.ir.access import Authentication, MutualMode
from weft.model import codes
from weft.model.fields import format_path
from weft.model.istio_security import PeerAuthentication, RequestAuthentication
from weft.model.objects import Broken, Object

_MODES: Final[dict[str, MutualMode | None]] = {
    "UNSET": None,
    "DISABLE": "off",
    "PERMISSIVE": "accept",
    "STRICT": "require",
}
_CLOSED: Final = "peers of the workloads that it selects must use mutual TLS (STRICT)"


def compile_peer_authentication(policy: Object[PeerAuthentication], lookup: Lookup) -> Compiled:
    """The mode of a policy, and one of each port that has its own; a policy that says nothing still holds its level.

    Of several policies at one level the oldest counts alone, so one without a mode is a fragment too.
    """
    spec, namespace, root = policy.spec, policy.metadata.namespace, lookup.settings().root_namespace
    found = tuple(_problems(spec))
    if found:
        selector = None if any(selector_problems(spec.selector)) else spec.selector
        target = workload_target(namespace, selector, root)
        return Compiled(
            (Authentication(policy.provenance(), target, mutual="require"),), refused(policy, found, _CLOSED)
        )
    target = workload_target(namespace, spec.selector, root)
    if target.kind == "workloads" and namespace == root:
        return Compiled(issues=(_ineffective_selector(policy),))
    mode = _MODES[spec.mtls.mode if spec.mtls else "UNSET"]
    whole = Authentication(policy.provenance("spec.mtls"), target, mutual=mode)
    ports = (
        Authentication(policy.provenance(_port_path(port)), target, int(port), _MODES[mtls.mode])
        for port, mtls in sorted(spec.port_level_mtls.items(), key=lambda item: int(item[0]))
    )
    return Compiled((whole, *ports))


def compile_broken_peer_authentication(policy: Broken, lookup: Lookup) -> Compiled:
    """STRICT for what the selector of an unreadable policy can be read to match."""
    spec = policy.body.get("spec")
    targets = readable_targets(
        {"selector": spec.get("selector")} if isinstance(spec, dict) else {},
        policy.metadata.namespace,
        lookup.settings().root_namespace,
    )
    return Compiled(
        tuple(Authentication(policy.provenance(), each, mutual="require") for each in targets),
        (unreadable(policy, _CLOSED),),
    )


def compile_request_authentication(policy: Object[RequestAuthentication], _: Lookup) -> Compiled:
    """No fragment: tokens aren't checked yet, and the issue says so."""
    issue = Issue(
        codes.NO_TOKENS,
        "warning",
        policy.ref,
        "spec.jwtRules",
        "not enforced yet: requests are judged without tokens",
        effect="no token is checked, and rules that ask for one never find it",
        advice="ask for peers (principals, namespaces) in AuthorizationPolicy instead",
    )
    return Compiled(issues=(issue,))


def _problems(spec: PeerAuthentication) -> Iterator[tuple[str, str]]:
    yield from selector_problems(spec.selector)
    selects = spec.selector is not None and bool(spec.selector.match_labels)
    if spec.port_level_mtls and not selects:
        yield "spec.portLevelMtls", "ports can only be set for selected workloads: add a selector with labels"
    for port in spec.port_level_mtls:
        if not _is_port(port):
            yield _port_path(port), f"{port!r} is no port: write a number from 1 to {HIGHEST_PORT}"


def _port_path(port: int | str) -> str:
    return format_path(("spec", "portLevelMtls", str(port)))


def _is_port(port: int | str) -> bool:
    written = str(port)
    return written.isascii() and written.isdecimal() and 1 <= int(written) <= HIGHEST_PORT


def _ineffective_selector(policy: Object[PeerAuthentication]) -> Issue:
    return Issue(
        codes.NO_IMPACT,
        "warning",
        policy.ref,
        "spec.selector",
        "the policy has no impact: in the root namespace a policy with a selector is ignored",
        effect="its mode is not used",
        advice="remove the selector for the whole mesh, or move the policy to the workloads' namespace",
    )
