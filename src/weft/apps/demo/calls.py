"""Calls, as the proxies that took or refused them logged them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal

from msgspec import Struct

from weft.apps.demo.access_log import LogLine, policy_names
from weft.apps.demo.pods import Pod

OUTSIDE: Final = "you"
"""Who calls from no pod of the mesh."""

Protocol = Literal["HTTP", "TCP"]
Outcome = Literal["answered", "denied", "not allowed", "plain text", "no route", "failed"]
"""denied: by a DENY policy. not allowed: no ALLOW policy has a rule for it. plain text: no TLS where mutual TLS is
asked for. no route: the gateway knows no such host or path."""

_SCHEME: Final = "spiffe://"
_RBAC: Final = "rbac_access_denied_matched_policy["
_NO_RULE: Final = f"{_RBAC}none]"
_INBOUND: Final = "inbound|"
_NO_CHAIN: Final = "filter_chain_not_found"
_NO_ROUTE: Final = "route_not_found"
_PASSED_ON: Final = "via_upstream"
_FIRST_ERROR: Final = 400


class Edge(Struct, frozen=True):
    """Who calls whom, and as whom."""

    caller: str
    identity: str
    called: str
    protocol: Protocol


class Call(Struct, frozen=True, kw_only=True):
    """One request or connection.

    `caller` and `called` are labels of pods, `identity` is what the caller's certificate says (`ns/.../sa/...`; empty
    without one) and `domain` its trust domain. `account` is what the caller's pod should say. `status` is 0 for bytes.
    """

    caller: str
    identity: str
    domain: str
    account: str
    called: str
    protocol: Protocol
    method: str
    path: str
    status: int
    outcome: Outcome
    policies: tuple[str, ...] = ()

    @property
    def edge(self) -> Edge:
        """Who called whom."""
        return Edge(self.caller, self.identity, self.called, self.protocol)


def calls_of(lines: Mapping[Pod, Iterable[LogLine]], pods: Sequence[Pod]) -> tuple[Call, ...]:
    """The calls to each pod, from the lines of its proxy. What a sidecar logs of its own pod's calls is left out."""
    return tuple(
        call for pod, logged in lines.items() for line in logged if (call := _call(pod, line, pods)) is not None
    )


def _call(pod: Pod, line: LogLine, pods: Sequence[Pod]) -> Call | None:
    if not _is_to(pod, line):
        return None
    outcome, policies = _outcome(line)
    domain, _, identity = line.caller.removeprefix(_SCHEME).partition("/")
    caller = None if pod.is_gateway else _caller(line, identity, pods)
    return Call(
        caller=caller.label if caller else OUTSIDE,
        identity=identity,
        domain=domain,
        account=caller.identity if caller else "",
        called=pod.label,
        protocol="HTTP" if line.method else "TCP",
        method=line.method,
        path=line.path,
        status=line.status,
        outcome=outcome,
        policies=policies,
    )


def _caller(line: LogLine, identity: str, pods: Sequence[Pod]) -> Pod | None:
    """Who called: known by its address, or where that is of somebody before a gateway, the gateway by its identity."""
    if line.forwarded_for:
        return next((pod for pod in pods if pod.is_gateway and pod.identity == identity), None)
    return next((pod for pod in pods if pod.address == line.remote), None)


def _is_to(pod: Pod, line: LogLine) -> bool:
    """Whether a line of the pod's proxy is about a call to the pod. An error that a gateway only passed on is none: the
    proxy that it comes from has logged it too."""
    if pod.is_gateway:
        return line.details != _PASSED_ON or line.status < _FIRST_ERROR
    return line.cluster.startswith(_INBOUND) or (
        line.details == _NO_CHAIN and line.local in (pod.address, pod.proxy_address)
    )


def _outcome(line: LogLine) -> tuple[Outcome, tuple[str, ...]]:
    if line.details.startswith(_NO_RULE):
        return "not allowed", line.closed_by
    if line.details.startswith(_RBAC):
        return "denied", policy_names(line.details)
    if line.details == _NO_CHAIN and not line.caller:
        return "plain text", ()
    if line.details == _NO_ROUTE:
        return "no route", ()
    return "answered" if _is_answer(line) else "failed", ()


def _is_answer(line: LogLine) -> bool:
    if line.method:
        return 0 < line.status < _FIRST_ERROR
    return not line.details and not line.flags
