"""What the proxy of a case gets, and what of it is compared."""

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from google.protobuf.message import Message
from tests.golden.istio.case import Case

from weft.apps.pipeline import Pipeline, all_kinds
from weft.base import protobuf
from weft.base.issues import Issue
from weft.envoy.resource import Resource
from weft.envoy.type_urls import CDS, EDS, LDS, RDS, SDS
from weft.model.decode import Decoder

Json = dict[str, Any]
Resources = Mapping[str, list[Message]]
"""By kind of resource, in order of names."""

TYPES = {"clusters": CDS, "endpoints": EDS, "listeners": LDS, "routes": RDS, "secrets": SDS}

HIDDEN = frozenset(
    {
        "accessLog",
        "altStatName",
        "bindToPort",
        "circuitBreakers",
        "configSource",
        "decorator",
        "edsClusterConfig",
        "forwardClientCertDetails",
        "httpFilters",
        "ignorePortInHostMatching",
        "includeRequestAttemptCount",
        "keepEmptyValue",
        "listenerFiltersTimeout",
        "maxDirectResponseBodySizeBytes",
        "maxStreamDuration",
        "metadata",
        "normalizePath",
        "onNewConnection",
        "proxy100Continue",
        "requireClientCertificate",
        "retryPolicy",
        "sdsConfig",
        "serverName",
        "setCurrentClientCertDetails",
        "statPrefix",
        "streamIdleTimeout",
        "stripTrailingHostDot",
        "tlsParams",
        "trafficDirection",
        "upgradeConfigs",
        "validateClusters",
    }
)
"""Fields that are alike nearly everywhere. The golden files of tests/golden/envoy have them, and cases about them."""

_FIRST = ("@type", "clusterName", "filterChainMatch", "match", "name")
_REDACTED = "redacted"
_SECRET = "inlineBytes"


class Outcome:
    """A case, compiled."""

    def __init__(self, case: Case) -> None:
        self.case = case
        pipeline = Pipeline()
        decoder = Decoder(all_kinds())
        self.issues: list[Issue] = []
        for body in case.bodies:
            decoded = decoder.decode(body)
            self.issues += decoded.issues
            if decoded.value is not None:
                pipeline.objects.set(decoded.value.ref, decoded.value)
        self.issues += pipeline.issues()
        namespace, _, name = case.header.proxy.partition("/")
        workload = pipeline.mesh.inventory.workload(f"Kubernetes//Pod/{namespace}/{name}")
        if workload is None:
            raise ValueError(f"{case.name}: there is no pod {case.header.proxy}")
        key = pipeline.mesh.key(workload, case.header.role)
        self.failures = pipeline.resources.failures.get(key)
        found = {kind: pipeline.resources.contents.get((key, type_url)) for kind, type_url in TYPES.items()}
        found["routes"] = pipeline.resources.whole_routes(key)
        self.resources: Resources = {
            kind: [_message(resource) for _, resource in sorted(table.items())] for kind, table in found.items()
        }

    def destinations(self) -> Iterator[str]:
        """Names of the clusters that routes and listeners lead to."""
        for kind in ("listeners", "routes"):
            for resource in self.resources[kind]:
                yield from _destinations(protobuf.to_dict(resource))

    def compared(self) -> Json:
        """What the golden file holds: the kept resources without hidden fields, and all issues."""
        kept = {kind: self._kept(kind, patterns) for kind, patterns in self.case.header.keep.items()}
        return {**kept, "issues": [_issue(issue) for issue in self.issues]}

    def _kept(self, kind: str, patterns: Iterable[str]) -> list[Json]:
        header = self.case.header
        hidden = (HIDDEN | set(header.hide)) - set(header.show)
        documents = [protobuf.to_dict(each) for each in self.resources[kind] if _is_among(name_of(each), patterns)]
        for document in documents:
            if "virtualHosts" in document:
                document["virtualHosts"] = [h for h in document["virtualHosts"] if _is_among(h["name"], header.hosts)]
        return [_without(document, hidden) for document in documents]


def name_of(resource: Message) -> str:
    """The name by which a resource is asked for."""
    found: Any = resource
    return str(found.cluster_name if hasattr(found, "cluster_name") else found.name)


def _destinations(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "cluster" in value:
            yield value["cluster"]
        yield from (each["name"] for each in value.get("clusters", ()))
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _destinations(each)


def _message(resource: Resource) -> Message:
    wrapped: Any = protobuf.parse("envoy.service.discovery.v3.Resource", resource.wire)
    return protobuf.unpack(wrapped.resource)


def _is_among(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _without(value: Any, hidden: frozenset[str] | set[str]) -> Any:
    if isinstance(value, dict):
        return dict(_fields(value, hidden))
    return [_without(each, hidden) for each in value] if isinstance(value, list) else value


def _fields(value: Json, hidden: frozenset[str] | set[str]) -> Iterator[tuple[str, Any]]:
    """Fields in order: what names a thing and what it matches first, then the alphabet, as maps have no order."""
    is_secret = "tlsCertificate" in value or "validationContext" in value
    for name, inner in sorted(value.items(), key=lambda field: (field[0] not in _FIRST, field[0])):
        if name not in hidden:
            yield name, _redacted(inner) if is_secret else _without(inner, hidden)


def _redacted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _REDACTED if name == _SECRET else _redacted(inner) for name, inner in value.items()}
    return value


def _issue(issue: Issue) -> Json:
    return {"object": str(issue.ref), "code": issue.code, "path": issue.path, "message": issue.message}
