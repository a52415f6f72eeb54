"""Compiles objects from their YAML text, as the controller does."""

import textwrap
from collections.abc import Mapping
from typing import Any, TypeVar

import yaml

from weft.base.issues import Issue, Ref
from weft.dialects import kubernetes
from weft.dialects.compiled import Compile, Compiled
from weft.dialects.istio import networking
from weft.ir.settings import MeshSettings
from weft.model import istio_networking
from weft.model import kubernetes as core
from weft.model.decode import Decoder
from weft.model.kinds import Kinds
from weft.model.objects import Object

F = TypeVar("F")
COMPILERS: Mapping[str, Compile] = {**networking.COMPILERS, **kubernetes.COMPILERS}
DECODER = Decoder(Kinds(istio_networking.KINDS, core.KINDS))
_NETWORKING = "networking.istio.io/v1"


class World:
    """A lookup over a few objects."""

    def __init__(self, *objects: Object[Any], settings: MeshSettings | None = None) -> None:
        self._objects = {each.ref: each for each in objects}
        self._settings = settings or MeshSettings()

    def settings(self) -> MeshSettings:
        return self._settings

    def object(self, ref: Ref) -> Object[Any] | None:
        return self._objects.get(ref)

    def objects(self, kind: str, namespace: str) -> tuple[Object[Any], ...]:
        refs = sorted(ref for ref in self._objects if (ref.kind, ref.namespace) == (kind, namespace))
        return tuple(self._objects[ref] for ref in refs)

    def labelled(self, kind: str, namespace: str, value: str) -> tuple[Object[Any], ...]:
        found = self.objects(kind, namespace)
        return tuple(each for each in found if each.metadata.labels.get(kubernetes.LABELS[kind]) == value)

    def namespace_labels(self, namespace: str) -> dict[str, str]:
        found = self._objects.get(Ref("Namespace", "", namespace))
        return found.metadata.labels if found else {}


def read(text: str) -> Object[Any]:
    """A whole object from its YAML text; it must be readable."""
    decoded = DECODER.decode(yaml.safe_load(textwrap.dedent(text)))
    assert isinstance(decoded.value, Object), decoded.issues
    return decoded.value


def istio(kind: str, spec: str, *, name: str = "subject", namespace: str = "shop", created: int = 7) -> Object[Any]:
    """An object of Istio's networking API from the YAML text of its spec."""
    body = {
        "apiVersion": _NETWORKING,
        "kind": kind,
        "metadata": {
            "name": name,
            "namespace": namespace,
            "creationTimestamp": f"1970-01-01T00:00:{created:02d}+00:00",
        },
        "spec": yaml.safe_load(textwrap.dedent(spec)),
    }
    decoded = DECODER.decode(body)
    assert isinstance(decoded.value, Object), decoded.issues
    return decoded.value


def compiled(subject: Object[Any], *others: Object[Any], settings: MeshSettings | None = None) -> Compiled:
    """What an object becomes beside some others."""
    return COMPILERS[subject.kind](subject, World(subject, *others, settings=settings))


def fragments(result: Compiled, kind: type[F]) -> list[F]:
    """The fragments of one type, in order."""
    return [each for each in result.fragments if isinstance(each, kind)]


def only(result: Compiled, kind: type[F]) -> F:
    """The one fragment of a type; there must be no issue."""
    assert result.issues == ()
    (found,) = fragments(result, kind)
    return found


def refused(result: Compiled) -> list[tuple[str, str]]:
    """Path and message of every error; an object with one must count as absent."""
    errors = [issue for issue in result.issues if issue.severity == "error"]
    assert errors
    assert result.fragments == ()
    assert {issue.code for issue in errors} == {"IST0106"}
    return [(issue.path, issue.message) for issue in errors]


def warned(result: Compiled) -> list[tuple[str, str]]:
    """Code and path of every finding of an object that stays in force."""
    assert result.fragments
    assert all(issue.severity != "error" for issue in result.issues), result.issues
    return [(issue.code, issue.path) for issue in result.issues]


def issue_at(result: Compiled, path: str) -> Issue:
    """The one finding on a field."""
    (found,) = [issue for issue in result.issues if issue.path == path]
    return found
