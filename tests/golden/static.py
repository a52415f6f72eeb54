"""Makes a static Envoy configuration of built resources, so that an Envoy without a control plane takes them.

What refers to the ADS stream is led to files instead: route tables, endpoints and secrets, one file each.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from google.protobuf.message import Message

from weft.base import protobuf

Json = dict[str, Any]

_DISCOVERED = {
    "rds": "envoy.config.route.v3.RouteConfiguration",
    "eds": "envoy.config.endpoint.v3.ClusterLoadAssignment",
    "sds": "envoy.extensions.transport_sockets.tls.v3.Secret",
}


def static_bootstrap(
    folder: Path,
    *,
    listeners: Iterable[Message] = (),
    clusters: Iterable[Message] = (),
    routes: Iterable[Message] = (),
    endpoints: Iterable[Message] = (),
    secrets: Iterable[Json] = (),
) -> Json:
    """Writes what is discovered to `folder` and returns the rest as a bootstrap. Secrets are proto3 JSON."""
    for route in routes:
        _write(folder, "rds", protobuf.to_dict(route))
    for assignment in endpoints:
        _write(folder, "eds", protobuf.to_dict(assignment), key="clusterName")
    for secret in secrets:
        _write(folder, "sds", secret)
    resources = {
        "listeners": [_led_to_files(folder, listener) for listener in listeners],
        "clusters": [_led_to_files(folder, cluster) for cluster in clusters],
    }
    return {"node": {"id": "test", "cluster": "test"}, "static_resources": resources}


def inline_routes(listener: Message, routes: Iterable[Message]) -> Message:
    """Returns a listener whose route tables are part of it, so that checking it checks them."""
    tables = {table["name"]: table for table in map(protobuf.to_dict, routes)}
    document = protobuf.to_dict(listener)
    for manager in _parts(document):
        if "rds" in manager:
            manager["routeConfig"] = tables[manager.pop("rds")["routeConfigName"]]
    return protobuf.from_dict("envoy.config.listener.v3.Listener", document)


def _write(folder: Path, kind: str, resource: Json, key: str = "name") -> None:
    typed = {"@type": protobuf.type_url(_DISCOVERED[kind]), **resource}
    _path(folder, kind, resource[key]).write_text(json.dumps({"resources": [typed]}))


def _led_to_files(folder: Path, message: Message) -> Json:
    document = protobuf.to_dict(message)
    for part in _parts(document):
        if "rds" in part:
            part["rds"]["configSource"] = _source(folder, "rds", part["rds"]["routeConfigName"])
        if "edsClusterConfig" in part:
            part["edsClusterConfig"]["edsConfig"] = _source(folder, "eds", part["name"])
        if "sdsConfig" in part:
            part["sdsConfig"] = _source(folder, "sds", part["name"])
    return document


def _source(folder: Path, kind: str, name: str) -> Json:
    return {"pathConfigSource": {"path": str(_path(folder, kind, name))}, "resourceApiVersion": "V3"}


def _path(folder: Path, kind: str, name: str) -> Path:
    return folder / f"{kind}-{name.replace('/', '_')}.json"


def _parts(value: Any) -> Iterator[Json]:
    """Every object inside, the outermost first."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _parts(each)
