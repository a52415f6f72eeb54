"""All resources of several cases as one configuration without a control plane, for a real Envoy to look at.

What is discovered stands in place: endpoints in their clusters, route tables in their listeners; Envoy would not look
at files of them. Names and ports of listeners are made different, as each belongs to another proxy.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.golden.istio.outcome import Outcome, name_of
from tests.golden.real_envoy import revocations, secrets
from tests.golden.static import inline_routes, static_bootstrap

from weft.base import protobuf

Json = dict[str, Any]

_CLUSTER = "envoy.config.cluster.v3.Cluster"
_LISTENER = "envoy.config.listener.v3.Listener"
_FIRST_PORT = 1_024
_REVOKED = "/etc/crl.pem"  # what cases call it
_OWN = ("default", "ROOTCA")
_SECRETS = {"tlsCertificateSdsSecretConfigs": False, "validationContextSdsSecretConfig": True}


def bootstrap_of(folder: Path, outcomes: Iterable[Outcome], runtime: Json) -> Json:
    """Writes what the configuration refers to into `folder`, and returns it; `runtime` is that of real bootstraps."""
    found = list(outcomes)
    files = {_REVOKED: str(revocations(folder))}
    clusters = [protobuf.from_dict(_CLUSTER, each) for outcome in found for each in _clusters(outcome, files)]
    listeners = [each for outcome in found for each in _listeners(outcome)]
    for port, listener in enumerate(listeners, start=_FIRST_PORT):
        listener["address"]["socketAddress"]["portValue"] = port
    credentials = {each for outcome in found for each in _credentials(outcome)}
    document = static_bootstrap(
        folder,
        clusters=clusters,
        listeners=[protobuf.from_dict(_LISTENER, each) for each in listeners],
        secrets=secrets(folder, sorted(credentials)),
    )
    return {**document, "layered_runtime": runtime}


def _clusters(outcome: Outcome, files: Mapping[str, str]) -> Iterator[Json]:
    endpoints = {name_of(each): protobuf.to_dict(each) for each in outcome.resources["endpoints"]}
    for cluster in outcome.resources["clusters"]:
        document = protobuf.to_dict(cluster)
        if document.get("type") == "EDS":
            del document["edsClusterConfig"]
            document |= {"type": "STATIC", "loadAssignment": endpoints[document["name"]]}
        yield _renamed(document, outcome, files)


def _listeners(outcome: Outcome) -> Iterator[Json]:
    for listener in outcome.resources["listeners"]:
        document = protobuf.to_dict(inline_routes(listener, outcome.resources["routes"]))
        yield _renamed({**document, "name": f"{outcome.case.name}~{document['name']}"}, outcome, {})


def _renamed(document: Json, outcome: Outcome, files: Mapping[str, str]) -> Json:
    """The document with the names of clusters made different from those of other cases, and other names of files."""
    names = dict(files) | {
        name_of(each): f"{outcome.case.name}~{name_of(each)}" for each in outcome.resources["clusters"]
    }

    def renamed(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: renamed(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [renamed(inner) for inner in value]
        return names.get(value, value) if isinstance(value, str) else value

    result: Json = renamed(document)
    return result


def _credentials(outcome: Outcome) -> Iterator[tuple[str, bool]]:
    """Names of secrets that clusters and listeners ask for, and which are roots; the Secrets need not exist."""
    for kind in ("clusters", "listeners"):
        for resource in outcome.resources[kind]:
            yield from _secret_names(protobuf.to_dict(resource))


def _secret_names(value: Any) -> Iterator[tuple[str, bool]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in _SECRETS:
                listed = inner if isinstance(inner, list) else [inner]
                yield from ((each["name"], _SECRETS[name]) for each in listed if each["name"] not in _OWN)
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _secret_names(each)
