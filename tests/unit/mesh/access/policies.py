"""Fragments for tests, and who calls."""

from typing import Any

from weft.base.provenance import Provenance
from weft.ir.access import Authorization, AuthzRule
from weft.ir.settings import WorkloadClass
from weft.ir.values import Condition, Target
from weft.mesh.access.context import HttpRequest, RequestContext

SERVER = WorkloadClass(namespace="n", labels=(("app", "t"),))
A = "spiffe://cluster.local/ns/n/sa/a"
B = "spiffe://cluster.local/ns/n/sa/b"
W = "spiffe://cluster.local/ns/n/sa/waypoint"


def source(name: str = "policy", *, path: str = "", created: int = 0, kind: str = "AuthorizationPolicy") -> Provenance:
    """Where a fragment comes from."""
    return Provenance(kind, "n", name, path=path, created=created)


def peer(*identities: str) -> Condition:
    """A condition on who calls."""
    return Condition("peer.identity", tuple(("exact", each) for each in identities))


def rule(action: Any, *conditions: Condition, name: str = "policy", **options: Any) -> AuthzRule:
    """A rule of some conditions."""
    return AuthzRule(source(name), action, conditions=conditions, **options)


def policy(*rules: AuthzRule, name: str = "policy", **options: Any) -> Authorization:
    """One policy object for the whole mesh; an Istio ALLOW unless told otherwise."""
    fields: dict[str, Any] = {"gate": "request", "tier": 2, "direction": "in", "closes": True}
    return Authorization(source=source(name), target=Target("mesh"), rules=rules, **fields | options)


def call(identity: str | None, method: str = "GET", path: str = "/", **options: Any) -> RequestContext:
    """A request to T:8080."""
    request = HttpRequest(host="t.n", method=method, path=path)
    fields: dict[str, Any] = {"address": "10.1.1.1", "port": 8080, "local_address": "10.1.1.2", "request": request}
    return RequestContext(**fields | {"identity": identity} | options)


def stream(identity: str | None, **options: Any) -> RequestContext:
    """Bytes to T:8080."""
    return call(identity, judged="bytes", request=None, **options)
