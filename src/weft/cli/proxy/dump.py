"""Envoy's configuration dump, taken apart into resources
(https://www.envoyproxy.io/docs/envoy/latest/api-v3/admin/v3/config_dump_shared.proto).
"""

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

Json = dict[str, Any]
T = TypeVar("T")


class DumpError(ValueError):
    """The text is not what Envoy's admin interface writes; the message says where it differs."""


class Secret(Struct, frozen=True):
    """A secret that Envoy holds (`ACTIVE`) or waits for (`WARMING`)."""

    name: str
    status: str
    resource: Json


class Dump(Struct, frozen=True):
    """The resources in use, or waited for, as Envoy writes them: JSON with the names of the .proto files."""

    bootstrap: Json
    clusters: tuple[Json, ...]
    listeners: tuple[Json, ...]
    routes: tuple[Json, ...]
    endpoints: tuple[Json, ...]
    secrets: tuple[Secret, ...]


class _State(Struct, frozen=True):
    listener: Json | None = None


class _Entry(Struct, frozen=True):
    """One resource of any type with its versions; a section has entries of one kind."""

    name: str = ""
    cluster: Json | None = None
    listener: Json | None = None
    active_state: _State | None = None
    warming_state: _State | None = None
    route_config: Json | None = None
    endpoint_config: Json | None = None
    secret: Json | None = None


class _Section(Struct, frozen=True):
    """What all sections (`...ConfigDump`) have between them."""

    bootstrap: Json | None = None
    static_clusters: tuple[_Entry, ...] = ()
    dynamic_active_clusters: tuple[_Entry, ...] = ()
    dynamic_warming_clusters: tuple[_Entry, ...] = ()
    static_listeners: tuple[_Entry, ...] = ()
    dynamic_listeners: tuple[_Entry, ...] = ()
    static_route_configs: tuple[_Entry, ...] = ()
    dynamic_route_configs: tuple[_Entry, ...] = ()
    static_endpoint_configs: tuple[_Entry, ...] = ()
    dynamic_endpoint_configs: tuple[_Entry, ...] = ()
    static_secrets: tuple[_Entry, ...] = ()
    dynamic_active_secrets: tuple[_Entry, ...] = ()
    dynamic_warming_secrets: tuple[_Entry, ...] = ()


class _Whole(Struct, frozen=True):
    configs: tuple[_Section, ...]


def read_dump(data: bytes) -> Dump:
    """Takes the answer of `/config_dump?include_eds` apart. Raises DumpError."""
    try:
        sections = msgspec.json.decode(data, type=_Whole).configs
    except msgspec.DecodeError as error:
        raise DumpError(f"this is no configuration dump of Envoy: {error}") from error
    return Dump(
        bootstrap=next((s.bootstrap for s in sections if s.bootstrap), {}),
        clusters=_present(entry.cluster for s in sections for entry in _clusters(s)),
        listeners=_present(_listener(e) for s in sections for e in (*s.static_listeners, *s.dynamic_listeners)),
        routes=_present(e.route_config for s in sections for e in (*s.static_route_configs, *s.dynamic_route_configs)),
        endpoints=_present(entry.endpoint_config for s in sections for entry in _endpoints(s)),
        secrets=tuple(secret for s in sections for secret in _secrets(s)),
    )


def typed(resource: Json, kind: type[T]) -> T:
    """What a table reads of a resource; other fields are left out. Raises DumpError."""
    try:
        return msgspec.convert(resource, kind)
    except msgspec.ValidationError as error:
        raise DumpError(f"{resource.get('name', 'a resource')}: {error}") from error


def _clusters(section: _Section) -> Iterator[_Entry]:
    yield from section.static_clusters
    yield from section.dynamic_active_clusters
    yield from section.dynamic_warming_clusters


def _endpoints(section: _Section) -> Iterator[_Entry]:
    yield from section.static_endpoint_configs
    yield from section.dynamic_endpoint_configs


def _listener(entry: _Entry) -> Json | None:
    """A dynamic listener in use, or else the one that waits for its routes or secrets."""
    state = entry.active_state or entry.warming_state
    return state.listener if state else entry.listener


def _secrets(section: _Section) -> Iterator[Secret]:
    for entry in (*section.static_secrets, *section.dynamic_active_secrets):
        yield Secret(entry.name, "ACTIVE", entry.secret or {})
    for entry in section.dynamic_warming_secrets:
        yield Secret(entry.name, "WARMING", entry.secret or {})


def _present(resources: Iterable[Json | None]) -> tuple[Json, ...]:
    return tuple(resource for resource in resources if resource is not None)
