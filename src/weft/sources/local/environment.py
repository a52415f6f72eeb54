"""The variables of a container's environment, found as the kubelet finds them. Pure.

Source: core/v1 EnvVar, EnvVarSource, EnvFromSource. First come all entries of the sources in `envFrom`, then `env`,
which wins; later ones win over earlier ones.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct

from weft.base.issues import Severity
from weft.model import kubernetes as api
from weft.model.fields import FieldPath
from weft.model.objects import Metadata

Variables = tuple[tuple[str, str], ...]
"""Pairs of name and value."""

Source = Callable[[str, str], Mapping[str, bytes] | None]
"""The entries of a ConfigMap or Secret by kind and name; None where there is none."""

_NAME: Final = re.compile(r"[A-Za-z_.][-A-Za-z0-9_.]*")
"""What processes can be given as the name of a variable; the kubelet leaves other keys of `envFrom` out, too."""

_LABELLED: Final = re.compile(r"metadata\.(labels|annotations)\['([^']*)'\]")


class Gap(Struct, frozen=True):
    """A variable that can't be set: the field that says it, and why. The container can't do without it if this is an
    error; else it is left out."""

    path: FieldPath
    message: str
    severity: Severity = "error"


class Environment(Struct, frozen=True):
    """The variables of a container as far as they could be found, and those that could not."""

    variables: Variables
    gaps: tuple[Gap, ...] = ()

    @property
    def blocked(self) -> str:
        """Why the container can't be started yet; empty if it can."""
        return next((gap.message for gap in self.gaps if gap.severity == "error"), "")


class PodFacts:
    """What variables can refer to of their pod, by the names of the downward API; `hosts` are those of the machine."""

    def __init__(
        self, metadata: Metadata, spec: api.PodSpec, *, addresses: Sequence[str] = (), hosts: Sequence[str] = ()
    ) -> None:
        self._marks = {"labels": metadata.labels, "annotations": metadata.annotations}
        self._fields = {
            "metadata.name": metadata.name,
            "metadata.namespace": metadata.namespace,
            "metadata.uid": metadata.uid,
            "spec.serviceAccountName": spec.account,
            "spec.nodeName": spec.node_name,
            "status.podIP": next(iter(addresses), ""),
            "status.podIPs": ",".join(addresses),
            "status.hostIP": next(iter(hosts), ""),
            "status.hostIPs": ",".join(hosts),
        }

    def value(self, path: str) -> str | None:
        """The value of a field, empty where it has none; None if there is no such field to refer to."""
        marked = _LABELLED.fullmatch(path)
        if marked is not None:
            return self._marks[marked[1]].get(marked[2], "")
        return self._fields.get(path)


def environment(container: api.Container, facts: PodFacts, source: Source) -> Environment:
    """The environment of a container. `$(NAME)` in a value is the value of a variable before it."""
    return _Search(facts, source).run(container)


def expanded(text: str, known: Mapping[str, str]) -> str:
    """`$(NAME)` becomes the variable's value where there is one; `$$` is a dollar (core/v1 Container, command)."""
    result, rest = "", text
    while "$" in rest:
        before, _, rest = rest.partition("$")
        result += before
        name, closed, after = rest[1:].partition(")") if rest.startswith("(") else ("", "", "")
        if rest.startswith("$"):
            result, rest = result + "$", rest[1:]
        elif closed and name in known:
            result, rest = result + known[name], after
        else:
            result += "$"
    return result + rest


class _Search:
    """The search for one container's variables."""

    def __init__(self, facts: PodFacts, source: Source) -> None:
        self._facts = facts
        self._source = source
        self._found: dict[str, str] = {}
        self._gaps: list[Gap] = []

    def run(self, container: api.Container) -> Environment:
        for index, each in enumerate(container.env_from):
            self._take_all(each, ("envFrom", index))
        for index, variable in enumerate(container.env):
            self._take(variable, ("env", index))
        return Environment(tuple(self._found.items()), tuple(self._gaps))

    def _take_all(self, each: api.EnvFromSource, path: FieldPath) -> None:
        for kind, reference, field in _references(each):
            entries = self._source(kind, reference.name)
            if entries is None:
                self._missing((*path, field), _no_object(kind, reference.name), optional=reference.optional)
                continue
            for key, value in sorted(entries.items()):
                name = each.prefix + key
                if not _NAME.fullmatch(name):
                    self._gap((*path, field), f"no variable can be named {name[:80]!r}", "warning")
                else:
                    self._decode(name, value, (*path, field))

    def _take(self, variable: api.EnvVar, path: FieldPath) -> None:
        source = variable.value_from
        if source is None:
            self._set(variable.name, expanded(variable.value, self._found), (*path, "value"))
        elif source.field_ref is not None:
            self._take_field(variable.name, source.field_ref.field_path, (*path, "valueFrom", "fieldRef"))
        elif source.config_map_key_ref is not None:
            path = (*path, "valueFrom", "configMapKeyRef")
            self._take_key(variable.name, "ConfigMap", source.config_map_key_ref, path)
        elif source.secret_key_ref is not None:
            path = (*path, "valueFrom", "secretKeyRef")
            self._take_key(variable.name, "Secret", source.secret_key_ref, path)
        else:
            self._gap((*path, "valueFrom"), "values from this source are not supported yet", "warning")

    def _take_field(self, name: str, field: str, path: FieldPath) -> None:
        value = self._facts.value(field)
        if value is None:
            self._gap((*path, "fieldPath"), f"a variable can't refer to {field[:80]}")
        else:
            self._set(name, value, path)

    def _take_key(self, name: str, kind: str, reference: api.KeySelector, path: FieldPath) -> None:
        entries = self._source(kind, reference.name)
        if entries is None:
            self._missing(path, _no_object(kind, reference.name), optional=reference.optional)
        elif reference.key not in entries:
            message = f"couldn't find key {reference.key} in {kind} {reference.name}"
            self._missing(path, message, optional=reference.optional)
        else:
            self._decode(name, entries[reference.key], path)

    def _decode(self, name: str, value: bytes, path: FieldPath) -> None:
        try:
            self._set(name, value.decode(), path)
        except UnicodeDecodeError:
            self._gap(path, f"the value of {name} is no text (UTF-8)")

    def _set(self, name: str, value: str, path: FieldPath) -> None:
        if "\0" in value:
            self._gap(path, f"the value of {name} has a zero byte, which no variable can have")
        else:
            self._found[name] = value

    def _missing(self, path: FieldPath, message: str, *, optional: bool) -> None:
        self._gap(path, message, "info" if optional else "error")

    def _gap(self, path: FieldPath, message: str, severity: Severity = "error") -> None:
        self._gaps.append(Gap(path, message, severity))


def _references(each: api.EnvFromSource) -> Iterator[tuple[str, api.NamedReference, str]]:
    if each.config_map_ref is not None:
        yield "ConfigMap", each.config_map_ref, "configMapRef"
    if each.secret_ref is not None:
        yield "Secret", each.secret_ref, "secretRef"


def _no_object(kind: str, name: str) -> str:
    """In the kubelet's words."""
    return f'{kind.lower()} "{name}" not found'
