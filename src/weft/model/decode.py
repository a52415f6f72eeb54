"""From what a file or an API says to a typed object, with everything that is wrong with it at once.

Any error makes the object `Broken`: it is not guessed what its author meant. Kinds that restrict traffic then fail
closed, others count as absent.
"""

from collections.abc import Callable
from itertools import chain
from typing import Any

from msgspec import Struct, structs

from weft.base.issues import Issue, Ref
from weft.model.codes import IGNORED_KIND, INVALID, UNKNOWN_FIELD, UNKNOWN_KIND
from weft.model.fields import format_path
from weft.model.kinds import Kinds, UnknownKindError
from weft.model.kubernetes_fields import unknown_fields
from weft.model.metadata import read_metadata
from weft.model.objects import Broken, Kind, Metadata, Object
from weft.model.schema import Problem, convert, describe

MAX_DEPTH = 100
"""Of nested fields and lists. The APIs need about 20."""

_CONTAINERS = frozenset((dict, list))
_ENVELOPE = frozenset({"apiVersion", "kind", "metadata", "status"})
_NOT_RUN = {
    ("apps/v1", "StatefulSet"): "Deployment",
    ("apps/v1", "DaemonSet"): "Deployment",
    ("apps/v1", "ReplicaSet"): "Deployment",
    ("v1", "ReplicationController"): "Deployment",
    ("batch/v1", "CronJob"): "Job",
}
"""Kinds of Kubernetes that make pods, and are not run here; what to write instead."""
_EFFECT = "the object is not used; one that restricts access refuses all traffic that it may have been meant for"


class Decoded(Struct, frozen=True):
    """What became of a body; `value` is None if it can't even be said which object it is."""

    value: Object[Any] | Broken | None
    issues: tuple[Issue, ...] = ()


class Decoder:
    """Reads bodies of known kinds.

    `created` gives the time of an object whose body does not tell it, in Unix seconds. Objects of namespaced kinds
    without a namespace get `default_namespace`.
    """

    def __init__(
        self,
        kinds: Kinds,
        *,
        default_namespace: str = "default",
        created: Callable[[Ref], int] = lambda _: 0,
    ) -> None:
        self.kinds = kinds
        self._default_namespace = default_namespace
        self._created = created

    def decode(self, body: Any, *, shallow: bool = False) -> Decoded:
        """The object that a body of JSON types says, and all that is wrong with it.

        `shallow` says that it is known not to be nested more than MAX_DEPTH deep, as its reader has looked.
        """
        if not isinstance(body, dict):
            return _refused(Problem((), f"expected an object with apiVersion and kind, got {describe(body)}"))
        if not shallow and nests_deeper(body, MAX_DEPTH):
            return _refused(Problem((), f"fields are nested more than {MAX_DEPTH} deep"))
        missing = [name for name in ("apiVersion", "kind") if not isinstance(body.get(name), str) or not body[name]]
        if missing:
            return _refused(*(Problem((name,), f"`{name}` is missing or no text") for name in missing))
        try:
            kind = self.kinds.of(body["apiVersion"], body["kind"])
        except UnknownKindError as error:
            return self._unknown_kind(body, error)
        return self._decode(body, kind)

    def _decode(self, body: dict[str, Any], kind: Kind) -> Decoded:
        metadata, problems = read_metadata(body.get("metadata"), kind, self._default_namespace)
        metadata = self._dated(metadata, kind)
        spec, wrong = _spec(body, kind)
        if problems or wrong:
            return _broken(kind, metadata, body, (*problems, *wrong))
        decoded = Object(kind.key, metadata, spec, _status(body, kind))
        return Decoded(decoded, tuple(_ignored(decoded.ref, problem) for problem in unknown_fields(kind, body)))

    def _dated(self, metadata: Metadata, kind: Kind) -> Metadata:
        if metadata.created:
            return metadata
        created = self._created(Ref(kind.key, metadata.namespace, metadata.name))
        return structs.replace(metadata, created=created) if created else metadata

    def _unknown_kind(self, body: dict[str, Any], error: UnknownKindError) -> Decoded:
        if error.kind is not None:
            metadata, problems = read_metadata(body.get("metadata"), error.kind, self._default_namespace)
            return _broken(error.kind, self._dated(metadata, error.kind), body, (_about_kind(error), *problems))
        named = f"the kind {body['kind'][:80]} of {body['apiVersion'][:80]}"
        instead = _NOT_RUN.get((body["apiVersion"], body["kind"]))
        if instead is not None:
            return _ignored_kind(f"{named} is not supported", "none of its pods is made", f"write a {instead}")
        if error.slip:
            return Decoded(None, (_issue(UNKNOWN_KIND, None, _about_kind(error), "the object is not used"),))
        return _ignored_kind(f"{named} means nothing to the mesh", "the object is not used")


def nests_deeper(value: Any, depth: int) -> bool:
    """Whether fields and lists of a value of JSON types are nested more than `depth` deep."""
    level = [value] if type(value) in _CONTAINERS else []
    for _ in range(depth):
        inner = chain.from_iterable(item.values() if type(item) is dict else item for item in level)
        level = [item for item in inner if type(item) in _CONTAINERS]
        if not level:
            return False
    return bool(level)


def _spec(body: dict[str, Any], kind: Kind) -> tuple[Any, list[Problem]]:
    if kind.body != "spec":
        inside = {name: value for name, value in body.items() if name not in _ENVELOPE}
        spec, problems = convert(inside, kind.spec)
        return spec, list(problems)
    given = body.get("spec")
    spec, problems = convert({} if given is None else given, kind.spec, ("spec",))
    extra = [name for name in body if name not in _ENVELOPE and name != "spec"]
    advice = "fields of the object's own are below `spec`"
    return spec, [*problems, *(Problem((name,), f"unknown field `{name[:80]}`", advice) for name in extra)]


def _status(body: dict[str, Any], kind: Kind) -> Any:
    """The status, where it is an input. It is written by programs: one that can't be read counts as not yet written."""
    if kind.status is None or not isinstance(body.get("status"), dict):
        return None
    status, _ = convert(body["status"], kind.status, ("status",))
    return status


def _broken(kind: Kind, metadata: Metadata, body: dict[str, Any], problems: tuple[Problem, ...]) -> Decoded:
    broken = Broken(kind.key, metadata, body)
    return Decoded(broken, tuple(_issue(INVALID, broken.ref, problem, _EFFECT) for problem in problems))


def _ignored_kind(message: str, effect: str, advice: str = "") -> Decoded:
    return Decoded(None, (Issue(IGNORED_KIND, "warning", None, "kind", message, effect, advice),))


def _refused(*problems: Problem) -> Decoded:
    return Decoded(None, tuple(_issue(INVALID, None, problem, "the object is not used") for problem in problems))


def _issue(code: str, ref: Ref | None, problem: Problem, effect: str) -> Issue:
    return Issue(code, "error", ref, format_path(problem.path), problem.message, effect, problem.advice)


def _ignored(ref: Ref, problem: Problem) -> Issue:
    path, effect = format_path(problem.path), "the field is ignored"
    return Issue(UNKNOWN_FIELD, "warning", ref, path, problem.message, effect, problem.advice)


def _about_kind(error: UnknownKindError) -> Problem:
    return Problem(("kind",) if error.kind is None else ("apiVersion",), str(error))
