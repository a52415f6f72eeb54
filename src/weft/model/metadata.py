"""Checks of an object's metadata, by the rules of Kubernetes ("Object Names and IDs", "Labels and Selectors")."""

import re
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from weft.model.fields import FieldPath, did_you_mean, shorten
from weft.model.objects import Kind, Metadata
from weft.model.schema import Problem, describe

MAX_ANNOTATION_BYTES: Final = 256 * 1024
"""Of one object: the API server's limit."""

_FIELDS: Final = frozenset(
    (
        *("name", "generateName", "namespace", "selfLink", "uid", "resourceVersion", "generation"),
        *("creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "labels", "annotations"),
        *("ownerReferences", "finalizers", "managedFields"),
    )
)
_NAMED_BY_LABEL: Final = frozenset({"Namespace", "Service"})
_LONGEST_KEY: Final = 253 + len("/") + 63
_DNS_LABEL: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_SUBDOMAIN: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_QUALIFIED: Final = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")


def read_metadata(given: Any, kind: Kind, default_namespace: str) -> tuple[Metadata, tuple[Problem, ...]]:
    """Returns what can be read of an object's `metadata`, and everything that is wrong with it.

    Objects of namespaced kinds that name no namespace are in `default_namespace`.
    """
    if not isinstance(given, dict):
        problem = Problem(("metadata",), f"expected fields, got {describe(given)}", "write at least `name`")
        return Metadata(name="", namespace=_namespace({}, kind, default_namespace)), (problem,)
    metadata = Metadata(
        name=_readable(given.get("name")),
        namespace=_namespace(given, kind, default_namespace),
        labels=_texts(given.get("labels")),
        annotations=_texts(given.get("annotations")),
        created=_created(given.get("creationTimestamp")),
        uid=_readable(given.get("uid")),
    )
    problems = [*_unknown_fields(given), *_name_problems(given, kind), *_namespace_problems(given, kind)]
    problems += label_problems(given.get("labels"), ("metadata", "labels"))
    problems += _annotation_problems(given.get("annotations"))
    return metadata, tuple(problems)


def label_problems(labels: Any, path: FieldPath) -> list[Problem]:
    """What is wrong with labels: keys are `[prefix/]name`, values are at most 63 letters, digits, `-`, `_` and `.`."""
    if not labels:
        return _text_problems(labels, path)
    problems = _text_problems(labels, path)
    for key, value in _texts(labels).items():
        problems += _key_problems(key, (*path, key))
        if value and not _QUALIFIED.fullmatch(value):
            form = "at most 63 letters, digits, `-`, `_` and `.`, beginning and ending with a letter or digit"
            problems.append(Problem((*path, key), f"{shorten(value)!r} is no value of a label", f"write {form}"))
    return problems


def _name_problems(given: dict[str, Any], kind: Kind) -> list[Problem]:
    path = ("metadata", "name")
    name = given.get("name")
    if name is None or name == "":
        if given.get("generateName"):
            return [Problem(path, "the name is missing; `generateName` needs an API server", "write `name`")]
        return [Problem(path, "the name is missing")]
    if not isinstance(name, str):
        return [Problem(path, f"expected text, got {describe(name)}", "write it in quotes")]
    if kind.name in _NAMED_BY_LABEL and not kind.group and not _DNS_LABEL.fullmatch(name):
        return [Problem(path, f"{shorten(name)!r} is no name: at most 63 lower-case letters, digits and `-`")]
    if len(name) > 253 or not _SUBDOMAIN.fullmatch(name):
        return [Problem(path, f"{shorten(name)!r} is no name: at most 253 lower-case letters, digits, `-` and `.`")]
    return []


def _namespace_problems(given: dict[str, Any], kind: Kind) -> list[Problem]:
    path = ("metadata", "namespace")
    namespace = given.get("namespace")
    if namespace is None or namespace == "":
        return []
    if not isinstance(namespace, str):
        return [Problem(path, f"expected text, got {describe(namespace)}", "write it in quotes")]
    if not kind.namespaced:
        return [Problem(path, f"a {kind.name} is in no namespace", "remove this field")]
    if not _DNS_LABEL.fullmatch(namespace):
        return [Problem(path, f"{shorten(namespace)!r} is no namespace: at most 63 lower-case letters, digits and `-`")]
    return []


def _annotation_problems(annotations: Any) -> list[Problem]:
    path = ("metadata", "annotations")
    problems = _text_problems(annotations, path)
    if not annotations:
        return problems
    texts = _texts(annotations)
    for key in texts:
        problems += _key_problems(key, (*path, key))
    size = sum(len(key) + len(value) for key, value in texts.items())
    if size > MAX_ANNOTATION_BYTES:
        problems.append(Problem(path, f"annotations are {size:,} characters, more than {MAX_ANNOTATION_BYTES:,}"))
    return problems


def _key_problems(key: str, path: FieldPath) -> list[Problem]:
    if len(key) <= _LONGEST_KEY and _is_key(key):
        return []
    form = "write `name` or `prefix/name`, the prefix a DNS name, the name at most 63 letters, digits, `-`, `_` and `.`"
    return [Problem(path, f"{shorten(key)!r} is no key of a label or annotation", form)]


@lru_cache(maxsize=1_024)  # few keys stand in most objects
def _is_key(key: str) -> bool:
    prefix, slash, name = key.rpartition("/")
    good_prefix = not slash or (len(prefix) <= 253 and _SUBDOMAIN.fullmatch(prefix.lower()))
    return bool(good_prefix and _QUALIFIED.fullmatch(name))


def _text_problems(given: Any, path: FieldPath) -> list[Problem]:
    if given is None:
        return []
    if not isinstance(given, dict):
        return [Problem(path, f"expected fields, got {describe(given)}")]
    return [
        Problem((*path, key), f"expected text, got {describe(value)}", "write it in quotes")
        for key, value in given.items()
        if not isinstance(value, str | None)
    ]


def _unknown_fields(given: dict[str, Any]) -> list[Problem]:
    if _FIELDS.issuperset(given):
        return []
    problems = []
    for name in given:
        if name not in _FIELDS:
            hint = did_you_mean(name, _FIELDS)
            advice = f"did you mean `{hint}`?" if hint else ""
            problems.append(Problem(("metadata", name), f"unknown field `{shorten(name)}` in metadata", advice))
    return problems


def _namespace(given: dict[str, Any], kind: Kind, default: str) -> str:
    return (_readable(given.get("namespace")) or default) if kind.namespaced else ""


def _readable(value: Any) -> str:
    """Text, or a number that should have been quoted: enough to say which object is meant."""
    return str(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else ""


def _texts(given: Any) -> dict[str, str]:
    """The entries that are readable: what is broken elsewhere should still be found by these. Null is empty text."""
    if not given or not isinstance(given, dict):
        return {}
    return {key: value or "" for key, value in given.items() if isinstance(value, str | None)}


def _created(timestamp: Any) -> int:
    """Unix seconds of an API server's timestamp (RFC 3339); 0 where there is none."""
    if not isinstance(timestamp, str):
        return 0
    try:
        return int(datetime.fromisoformat(timestamp).timestamp())
    except ValueError:
        return 0
