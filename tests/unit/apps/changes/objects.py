"""Objects to change a mesh with: those of the golden cases, which say all that Weft understands, and their variants."""

import copy
from collections.abc import Iterator
from typing import Any, Final

from tests.golden.istio import case

from weft.apps.pipeline import all_kinds
from weft.model.decode import Decoder
from weft.sources.changes import Value

Body = dict[str, Any]

NAMESPACES: Final = ("shop", "depot", "edge", "istio-system", "strangers")
_DECODER: Final = Decoder(all_kinds())
_TIMES: Final = ("2026-01-01T00:00:00Z", "2026-02-02T00:00:00Z", "2026-03-03T00:00:00Z")
_LABELS: Final[tuple[dict[str, str], ...]] = (
    {"app": "client", "version": "v2"},
    {"app": "reviews", "version": "v1"},
    {"app": "reviews", "version": "v2", "topology.istio.io/locality": "eu.a.1"},
    {"app": "ratings"},
    {"istio": "ingressgateway"},
    {},
)
_TYPED_STATUS: Final = "Pod"
_MORE: Final[tuple[Body, ...]] = (
    {
        "apiVersion": "security.istio.io/v1",
        "kind": "RequestAuthentication",
        "metadata": {"name": "tokens", "namespace": "shop"},
        "spec": {
            "selector": {"matchLabels": {"app": "reviews"}},
            "jwtRules": [{"issuer": "https://tokens.example", "audiences": ["shop", "depot"]}],
        },
    },
)
"""Of kinds that no golden case has."""


def corpus() -> tuple[list[Body], list[Body]]:
    """The objects of a small mesh to start with, and all others, each once."""
    first = [body for name in ("sidecar-egress-hosts", "gateway-http") for body in _of_worlds(name)]
    every = [body for name in case.names() for body in case.read(name).bodies]
    return _unique(first), _unique([*every, *_MORE])


def decode(body: Body) -> Value | None:
    """The object that a body says; None if it can't be said which."""
    return _DECODER.decode(body).value


def _of_worlds(name: str) -> Iterator[Body]:
    yield from case.read(name).bodies


def _unique(bodies: list[Body]) -> list[Body]:
    return [body for index, body in enumerate(bodies) if body not in bodies[:index]]


# ---- variants --------------------------------------------------------------------------------------------------------
def aged(body: Body, choice: int) -> Body:
    """Another time of creation: precedence may turn around."""
    return _with_metadata(body, creationTimestamp=_TIMES[choice % len(_TIMES)])


def moved(body: Body, choice: int) -> Body:
    """The same object in another namespace."""
    return _with_metadata(body, namespace=NAMESPACES[choice % len(NAMESPACES)])


def renamed(body: Body, choice: int) -> Body:
    """The same object by another name."""
    return _with_metadata(body, name=("other", "client", "reviews", "ratings")[choice % 4])


def relabelled(body: Body, choice: int) -> Body:
    """Other labels: of a pod, of a namespace, of what is not selected by any."""
    return _with_metadata(body, labels=_LABELS[choice % len(_LABELS)])


def broken(body: Body, choice: int) -> Body:
    """An object that can't be read as its kind."""
    if choice % 2:
        return {**body, "spec": choice}
    spec = body.get("spec")
    return {**body, "spec": {**(spec if isinstance(spec, dict) else {}), "noSuchField": choice}}


def thinned(body: Body, choice: int) -> Body:
    """Without one entry of one of its lists: a port, a rule, a subset, a host, a server."""
    changed = copy.deepcopy(body)
    lists = [value for value in _lists(_content(changed)) if value]
    if lists:
        chosen = lists[choice % len(lists)]
        del chosen[choice % len(chosen)]
    return changed


def doubled(body: Body, choice: int) -> Body:
    """With the first entry of one of its lists once more at the end, ports under another number and name."""
    changed = copy.deepcopy(body)
    lists = [value for value in _lists(_content(changed)) if value]
    if lists:
        chosen = lists[choice % len(lists)]
        entry = copy.deepcopy(chosen[0])
        if isinstance(entry, dict) and isinstance(entry.get("port"), int):
            entry.update(port=entry["port"] + 1, name=f"http-{choice}")
        chosen.append(entry)
    return changed


def exported(body: Body, choice: int) -> Body:
    """Seen by all namespaces, by its own, by one, or by none."""
    scope = ("*", ".", NAMESPACES[choice % len(NAMESPACES)], "~")[choice % 4]
    if body["kind"] == "Service":
        return _with_metadata(body, annotations={"networking.istio.io/exportTo": scope})
    spec = body.get("spec")
    return {**body, "spec": {**spec, "exportTo": [scope]}} if isinstance(spec, dict) else body


def grafted(body: Body, other: Body) -> Body:
    """What another object of its kind says."""
    return {**other, "metadata": body["metadata"]}


def turned(body: Body, choice: int) -> Body:
    """A pod that is ready or not, that has ended, or that has no sidecar any more; endpoints of which one is ready, not
    ready or ending; of other kinds the same object."""
    if body.get("kind") == "EndpointSlice":
        return _with_turned_endpoint(body, choice)
    if body.get("kind") != "Pod":
        return body
    status = body.get("status", {})
    ready = {"type": "Ready", "status": ("True", "False")[choice % 2]}
    if choice % 5 == 4:
        return {**body, "status": {**status, "phase": "Succeeded"}}
    if choice % 5 == 3:
        return _with_metadata(body, annotations={})
    return {**body, "status": {**status, "conditions": [ready]}}


def touched(body: Body, choice: int) -> Body:
    """The same object with what means nothing changed: what an API server writes, and a note."""
    metadata = body["metadata"]
    changed = _with_metadata(
        body,
        annotations={**metadata.get("annotations", {}), "example.org/note": str(choice)},
        resourceVersion=str(choice),
        generation=choice,
        managedFields=[{"manager": "test", "operation": "Update", "time": _TIMES[0]}],
    )
    return changed if body["kind"] == _TYPED_STATUS else {**changed, "status": {"observedGeneration": choice}}


VARIANTS: Final = (aged, moved, renamed, relabelled, broken, thinned, doubled, exported, turned)


def _with_metadata(body: Body, **fields: Any) -> Body:
    return {**body, "metadata": {**body.get("metadata", {}), **fields}}


def _with_turned_endpoint(body: Body, choice: int) -> Body:
    endpoints = copy.deepcopy(body.get("endpoints") or [{"addresses": ["192.0.2.77"]}])
    ready = choice % 3 == 0
    endpoints[choice % len(endpoints)]["conditions"] = {"ready": ready, "serving": True, "terminating": choice % 3 == 2}
    return {**body, "endpoints": endpoints}


def _content(body: Body) -> Body:
    return {name: value for name, value in body.items() if name not in ("metadata", "status")}


def _lists(value: Any) -> Iterator[list[Any]]:
    if isinstance(value, list):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _lists(each)
