"""Objects that set one field each, to see what Weft says of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgspec import Struct, inspect

from tools.reference.fields import stated

_POD: Final = {"containers": [{"name": "example", "image": "example", "command": ["example"]}]}
_HTTP: Final = {"name": "http", "number": 80, "protocol": "HTTP"}
_HTTPS: Final = {"name": "https", "number": 443, "protocol": "HTTPS"}
_HOST: Final = {"host": "example"}
_RULES: Final = [{"to": [{"operation": {"methods": ["GET"]}}]}]
_TARGET: Final = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "example"}

BASES: Final[Mapping[str, dict[str, Any]]] = {
    "Pod": _POD,
    "Job": {"template": {"spec": {**_POD, "restartPolicy": "Never"}}},
    "Deployment": {
        "selector": {"matchLabels": {"app": "example"}},
        "template": {"metadata": {"labels": {"app": "example"}}, "spec": _POD},
    },
    "Service": {"selector": {"app": "example"}, "ports": [{"name": "http", "port": 80}]},
    "VirtualService": {"hosts": ["example"], "http": [{"route": [{"destination": _HOST}], "mirror": _HOST}]},
    "DestinationRule": {"host": "example", "trafficPolicy": {"tls": {"mode": "SIMPLE"}}},
    "Gateway": {
        "selector": {"app": "example"},
        "servers": [{"port": _HTTPS, "hosts": ["*"], "tls": {"mode": "SIMPLE", "credentialName": "example"}}],
    },
    "ServiceEntry": {"hosts": ["a.example"], "ports": [_HTTP], "resolution": "STATIC"},
    "WorkloadEntry": {"address": "10.0.0.1"},
    "Sidecar": {"egress": [{"hosts": ["./*"]}]},
    "PeerAuthentication": {"mtls": {"mode": "STRICT"}},
    "AuthorizationPolicy": {"action": "ALLOW", "rules": _RULES},
    "RequestAuthentication": {"jwtRules": [{"issuer": "example"}]},
}
"""What an object of a kind says at least, for the rest of it to be looked at; kinds without an entry need nothing."""

_TEXTS: Final = ("example", "vault://example")
_NAMES: Final = ("example", "@request.auth.claims.example")
"""Texts that something is said of only for what they begin with."""


class Sample(Struct, frozen=True):
    """The path of a field in the outline's form, the value that it gets, and a spec that says nothing else."""

    path: str
    value: object
    spec: Any


_TOGETHER: Final[Mapping[str, tuple[Sample, ...]]] = {
    "AuthorizationPolicy": (
        Sample("spec.action", "CUSTOM", {"action": "CUSTOM", "provider": {"name": "example"}}),
        Sample("spec.targetRef", "", {"targetRef": _TARGET}),
        Sample("spec.targetRefs", "", {"targetRefs": [_TARGET]}),
        Sample(
            "spec.rules[].when[].key",
            "experimental.envoy.filters.*",
            {"rules": [{"when": [{"key": "experimental.envoy.filters.a[b]", "values": ["example"]}]}]},
        ),
        Sample(
            "spec.rules[].when[].key",
            "request.auth.*",
            {"rules": [{"when": [{"key": "request.auth.principal", "values": ["example"]}]}]},
        ),
    ),
}
"""Values that count only together with others."""


def samples(name: str, structure: type[Struct], prefix: str) -> Iterator[Sample]:
    """One for each field and sort of value of a kind; a structure that is used twice is gone through once."""
    yield from _Walk().of(structure, prefix)
    yield from _TOGETHER.get(name, ())


def merged(base: Any, change: Any) -> Any:
    """A value with what another one says put over it; lists are merged item by item."""
    if isinstance(base, dict) and isinstance(change, dict):
        return base | {name: merged(base.get(name), value) for name, value in change.items()}
    if isinstance(base, list) and isinstance(change, list) and base and change:
        return [merged(base[0], change[0]), *change[1:]]
    return change


class _Walk:
    """Knows which structures were gone through."""

    def __init__(self) -> None:
        self._seen: set[type[Struct]] = set()

    def of(self, structure: type[Struct], prefix: str) -> Iterator[Sample]:
        self._seen.add(structure)
        info = inspect.type_info(structure)
        assert isinstance(info, inspect.StructType)
        for field in info.fields:
            name = field.encode_name
            for found in self._values(field.type, f"{prefix}.{name}" if prefix else name):
                yield Sample(found.path, found.value, {name: found.spec})

    def _values(self, kind: inspect.Type, path: str) -> Iterator[Sample]:
        """Samples whose `spec` is the field's whole value."""
        kind = stated(kind)
        if isinstance(kind, inspect.VarTupleType | inspect.ListType):
            is_structure = isinstance(stated(kind.item_type), inspect.StructType)
            for found in self._values(kind.item_type, f"{path}[]" if is_structure else path):
                yield Sample(found.path.removesuffix("[]"), found.value, [found.spec])
        elif isinstance(kind, inspect.DictType):
            for found in self._values(kind.value_type, f"{path}.*"):
                for name in _NAMES:
                    yield Sample(found.path.removesuffix(".*"), name, {name: found.spec})
        elif isinstance(kind, inspect.StructType):
            yield Sample(path, {}, _least(kind))
            if kind.cls not in self._seen:
                for found in self.of(kind.cls, path):
                    yield Sample(found.path, found.value, _least(kind) | found.spec)
        else:
            yield from (Sample(path, value, value) for value in _scalars(kind))


def _least(structure: inspect.StructType) -> dict[str, Any]:
    """The fields without which a structure can't be read."""
    needed = (field for field in structure.fields if field.required)
    return {field.encode_name: next(iter(_scalars(stated(field.type)))) for field in needed}


def _scalars(kind: inspect.Type) -> tuple[object, ...]:
    match kind:
        case inspect.LiteralType():
            return kind.values
        case inspect.BoolType():
            return (True, False)
        case inspect.IntType() | inspect.FloatType():
            return (1,)
        case inspect.UnionType():
            return tuple(value for each in kind.types for value in _scalars(stated(each)))
        case inspect.BytesType():
            return ("YQ==",)
        case inspect.StrType():
            return _TEXTS
    return ({"example": "example"},)
