"""Everything that is wrong with a value of JSON types that shall become a typed structure, each with its path.

`msgspec.convert` is fast and stops at the first error; this walk is for values that it has refused. It also drops nulls
where the type has no place for them: Kubernetes reads a field that is null as one that was not written.
"""

import base64
import re
from collections.abc import Callable, Hashable
from functools import cache
from typing import Any, cast

import msgspec
from msgspec import Struct, ValidationError, inspect

from weft.model.fields import FieldPath, did_you_mean, format_path, parse_path, shorten

MAX_PROBLEMS = 20
"""More than these of one object help nobody."""


class Problem(Struct, frozen=True):
    """One thing that is wrong, and the way out."""

    path: FieldPath
    message: str
    advice: str = ""


def convert(body: Any, structure: type[Any], root: FieldPath = ()) -> tuple[Any, tuple[Problem, ...]]:
    """Returns the typed value (None if it can't be one) and what is wrong with it, at most MAX_PROBLEMS.

    `root` is where the body stands in its object: the paths of problems begin with it.
    """
    try:
        return msgspec.convert(body, structure), ()
    except ValidationError:
        walk = _Walk()
        cleaned = walk.value(body, type_info(structure), root)
    if walk.problems:
        return None, tuple(walk.problems[:MAX_PROBLEMS])
    try:
        return msgspec.convert(cleaned, structure), ()
    except ValidationError as error:
        return None, (_from_error(error, root),)


def describe(value: Any) -> str:
    """What kind of value this is, in words of people who write YAML."""
    for kind, words in _WORDS:
        if isinstance(value, kind):
            return words
    return type(value).__name__


_WORDS: tuple[tuple[Any, str], ...] = (
    (type(None), "nothing"),
    (bool, "true or false"),
    ((int, float), "a number"),
    (str, "text"),
    ((list, tuple), "a list"),
    (dict, "fields"),
)
_LEAVES: tuple[tuple[Any, type | tuple[type, ...], str], ...] = (
    (inspect.NoneType, type(None), "nothing"),
    (inspect.BoolType, bool, "true or false"),
    (inspect.IntType, int, "a whole number"),
    (inspect.FloatType, (int, float), "a number"),
    (inspect.StrType, str, "text"),
    (inspect.BytesType, str, "text in base64"),
)
_LISTS = (inspect.ListType, inspect.VarTupleType, inspect.SetType, inspect.FrozenSetType)


def type_info(structure: type[Any]) -> inspect.Type:
    """What msgspec knows of a type; remembered, because finding it out takes longer than reading an object."""
    return _type_info(cast(Hashable, structure))


@cache
def _type_info(structure: Hashable) -> inspect.Type:
    return inspect.type_info(structure)


class _Walk:
    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def value(self, value: Any, kind: inspect.Type, path: FieldPath) -> Any:
        """Checks one value against its type; returns it without ignored nulls."""
        if len(self.problems) >= MAX_PROBLEMS:
            return value
        if isinstance(kind, inspect.Metadata):
            return self.value(value, kind.type, path)
        if isinstance(kind, inspect.UnionType):
            return self._union(value, kind, path)
        if isinstance(kind, inspect.StructType):
            return self._struct(value, kind, path)
        if isinstance(kind, inspect.DictType):
            return self._dict(value, kind, path)
        if isinstance(kind, _LISTS):
            return self._list(value, kind, path)
        self._leaf(value, kind, path)
        return value

    def _report(self, path: FieldPath, message: str, advice: str = "") -> None:
        self.problems.append(Problem(path, message, advice))

    def _struct(self, value: Any, kind: inspect.StructType, path: FieldPath) -> Any:
        if not isinstance(value, dict):
            self._report(path, f"expected fields, got {describe(value)}")
            return value
        fields = {field.encode_name: field for field in kind.fields}
        cleaned = {}
        for name, given in value.items():
            field = fields.get(name)
            if field is None:
                cleaned[name] = given
                if kind.forbid_unknown_fields:
                    self._unknown(path, name, fields)
            elif given is not None or _accepts(field.type, None):
                cleaned[name] = self.value(given, field.type, (*path, name))
        for name, field in fields.items():
            if field.required and name not in cleaned:
                self._report((*path, name), "this field is required, and it is missing")
        return cleaned

    def _unknown(self, path: FieldPath, name: str, fields: dict[str, inspect.Field]) -> None:
        hint = did_you_mean(name, fields)
        place = f" in {format_path(path)}" if path else ""
        self._report(
            (*path, name), f"unknown field `{shorten(name)}`{place}", f"did you mean `{hint}`?" if hint else ""
        )

    def _dict(self, value: Any, kind: inspect.DictType, path: FieldPath) -> Any:
        if not isinstance(value, dict):
            self._report(path, f"expected fields, got {describe(value)}")
            return value
        nulls = _accepts(kind.value_type, None)
        cleaned = {}
        for name, given in value.items():
            if given is not None or nulls:
                cleaned[name] = self.value(given, kind.value_type, (*path, name))
        return cleaned

    def _list(self, value: Any, kind: inspect.CollectionType, path: FieldPath) -> Any:
        if not isinstance(value, list):
            self._report(path, f"expected a list, got {describe(value)}", "begin each element with `- `")
            return value
        self._bounds(len(value), kind.min_length, kind.max_length, path, "elements")
        return [self.value(item, kind.item_type, (*path, index)) for index, item in enumerate(value)]

    def _union(self, value: Any, kind: inspect.UnionType, path: FieldPath) -> Any:
        for member in kind.types:
            if _accepts(member, value):
                return self.value(value, member, path)
        members = [_expected(member) for member in kind.types if not isinstance(member, inspect.NoneType)]
        self._report(path, f"expected {' or '.join(dict.fromkeys(members))}, got {describe(value)}")
        return value

    def _leaf(self, value: Any, kind: inspect.Type, path: FieldPath) -> None:
        if isinstance(kind, inspect.LiteralType):
            self._choice(value, kind.values, path)
        elif isinstance(kind, inspect.EnumType):
            self._choice(value, tuple(member.value for member in kind.cls), path)
        elif not _accepts(kind, value):
            quote = isinstance(kind, inspect.StrType) and isinstance(value, (bool, int, float))
            advice = "write it in quotes" if quote else "write it without quotes" if _is_number(value, kind) else ""
            self._report(path, f"expected {_expected(kind)}, got {describe(value)}", advice)
        elif isinstance(kind, inspect.StrType):
            self._bounds(len(value), kind.min_length, kind.max_length, path, "characters")
            if kind.pattern and not re.search(kind.pattern, value):
                self._report(path, f"does not have the form {kind.pattern}")
        elif isinstance(kind, (inspect.IntType, inspect.FloatType)):
            self._range(value, kind, path)
        elif isinstance(kind, inspect.BytesType) and not _is_base64(value):
            self._report(path, "is no base64 (RFC 4648)")

    def _choice(self, value: Any, choices: tuple[Any, ...], path: FieldPath) -> None:
        if value not in choices or isinstance(value, bool):
            hint = did_you_mean(value, map(str, choices)) if isinstance(value, str) else ""
            given = f"`{shorten(value)}`" if isinstance(value, str) else describe(value)
            message = f"expected one of {', '.join(map(str, choices))}, got {given}"
            self._report(path, message, f"did you mean {hint}?" if hint else "")

    def _range(self, value: float, kind: inspect.IntType | inspect.FloatType, path: FieldPath) -> None:
        bounds: tuple[tuple[float | None, str, Callable[[float], bool]], ...] = (
            (kind.ge, "at least", lambda bound: value >= bound),
            (kind.gt, "more than", lambda bound: value > bound),
            (kind.le, "at most", lambda bound: value <= bound),
            (kind.lt, "less than", lambda bound: value < bound),
        )
        for bound, words, holds in bounds:
            if bound is not None and not holds(bound):
                self._report(path, f"expected {words} {bound}, got {value}")

    def _bounds(self, size: int, least: int | None, most: int | None, path: FieldPath, what: str) -> None:
        if least is not None and size < least:
            self._report(path, f"expected at least {least} {what}, got {size}")
        if most is not None and size > most:
            self._report(path, f"expected at most {most} {what}, got {size}")


def _accepts(kind: inspect.Type, value: Any) -> bool:
    """Whether a value is of the right JSON type; what is inside is looked at later."""
    if isinstance(kind, inspect.Metadata):
        return _accepts(kind.type, value)
    if isinstance(kind, inspect.UnionType):
        return any(_accepts(member, value) for member in kind.types)
    if isinstance(kind, (inspect.StructType, inspect.DictType)):
        return isinstance(value, dict)
    if isinstance(kind, _LISTS):
        return isinstance(value, list)
    if isinstance(kind, inspect.LiteralType):
        return any(type(value) is type(choice) for choice in kind.values)
    for leaf, types, _ in _LEAVES:
        if isinstance(kind, leaf):
            return isinstance(value, types) and isinstance(value, bool) == (types is bool)
    return True


def _expected(kind: inspect.Type) -> str:
    if isinstance(kind, (inspect.StructType, inspect.DictType)):
        return "fields"
    if isinstance(kind, _LISTS):
        return "a list"
    return next((words for leaf, _, words in _LEAVES if isinstance(kind, leaf)), "text")


def _is_base64(value: str) -> bool:
    try:
        base64.b64decode(value, validate=True)
    except ValueError:
        return False
    return True


def _is_number(value: Any, kind: inspect.Type) -> bool:
    if not (isinstance(value, str) and isinstance(kind, (inspect.IntType, inspect.FloatType))):
        return False
    try:
        float(value)
    except ValueError:
        return False
    return True


def _from_error(error: ValidationError, root: FieldPath) -> Problem:
    message, _, place = str(error).partition(" - at ")
    path = parse_path(place.strip("`").removeprefix("$").removeprefix("."))
    return Problem((*root, *path), message[:1].lower() + message[1:])
