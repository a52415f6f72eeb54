"""Envoy's configuration dump, taken apart into resources
(https://www.envoyproxy.io/docs/envoy/latest/api-v3/admin/v3/config_dump_shared.proto).
"""

from collections.abc import Iterable, Iterator
from itertools import chain
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
        bootstrap=next((section.bootstrap for section in sections if section.bootstrap), {}),
        clusters=_present(map(_clusters, sections)),
        listeners=_present(map(_listeners, sections)),
        routes=_present(map(_routes, sections)),
        endpoints=_present(map(_endpoints, sections)),
        secrets=_by_name(chain.from_iterable(map(_secrets, sections))),
    )


def typed(resource: Json, kind: type[T]) -> T:
    """What a table reads of a resource; other fields are left out. Raises DumpError."""
    try:
        return msgspec.convert(resource, kind)
    except msgspec.ValidationError as error:
        raise DumpError(f"{resource.get('name', 'a resource')}: {error}") from error


def _clusters(section: _Section) -> Iterator[Json | None]:
    dynamic = (*section.dynamic_active_clusters, *section.dynamic_warming_clusters)
    return (entry.cluster for entry in (*section.static_clusters, *dynamic))


def _listeners(section: _Section) -> Iterator[Json | None]:
    """A dynamic listener in use, or else the one that waits for its routes or secrets."""
    for entry in (*section.static_listeners, *section.dynamic_listeners):
        state = entry.active_state or entry.warming_state
        yield state.listener if state else entry.listener


def _routes(section: _Section) -> Iterator[Json | None]:
    return (entry.route_config for entry in (*section.static_route_configs, *section.dynamic_route_configs))


def _endpoints(section: _Section) -> Iterator[Json | None]:
    return (entry.endpoint_config for entry in (*section.static_endpoint_configs, *section.dynamic_endpoint_configs))


def _secrets(section: _Section) -> Iterator[Secret]:
    for entry in (*section.static_secrets, *section.dynamic_active_secrets):
        yield Secret(entry.name, "ACTIVE", entry.secret or {})
    for entry in section.dynamic_warming_secrets:
        yield Secret(entry.name, "WARMING", entry.secret or {})


def _by_name(secrets: Iterable[Secret]) -> tuple[Secret, ...]:
    """Envoy tells them in an order that differs from dump to dump."""
    return tuple(sorted(secrets, key=lambda secret: (secret.name.lower(), secret.name)))


def _present(found: Iterable[Iterable[Json | None]]) -> tuple[Json, ...]:
    return tuple(resource for resource in chain.from_iterable(found) if resource is not None)
