"""The fields of a kind as an outline in the form of the objects themselves."""

from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct, inspect

_INDENT: Final = "  "
_SCALARS: Final[Mapping[type[inspect.Type], str]] = {
    inspect.StrType: "TEXT",
    inspect.IntType: "NUMBER",
    inspect.FloatType: "NUMBER",
    inspect.BoolType: "true | false",
    inspect.BytesType: "BASE64",
    inspect.AnyType: "ANYTHING",
    inspect.DateTimeType: "TIME",
}


class Line(Struct, frozen=True):
    """A line of an outline: how deep it is, what it says, the path of the field that it is about, and of the field that
    has the same fields."""

    depth: int
    text: str
    path: str
    same_as: str = ""


def outline(structure: type[Struct], prefix: str = "") -> list[Line]:
    """All fields. A structure that was shown is not shown again; its second place refers to the first."""
    return list(_Outline().of(structure, prefix, 0))


class _Outline:
    """Knows which structures were shown, and where."""

    def __init__(self) -> None:
        self._shown: dict[type[Struct], str] = {}

    def of(self, structure: type[Struct], prefix: str, depth: int) -> Iterator[Line]:
        self._shown[structure] = prefix
        info = inspect.type_info(structure)
        assert isinstance(info, inspect.StructType)
        for field in info.fields:
            name = field.encode_name
            yield from self._field(name, field.type, f"{prefix}.{name}" if prefix else name, depth)

    def _field(self, label: str, kind: inspect.Type, path: str, depth: int) -> Iterator[Line]:
        kind = stated(kind)
        inner, many = _element(kind)
        if not isinstance(inner, inspect.StructType):
            yield Line(depth, f"{label}: {spelled(kind)}", path)
            return
        known = self._shown.get(inner.cls)
        if known is not None:
            yield Line(depth, f"{label}: {_bracketed('...', kind)}", path, known)
            return
        yield Line(depth, f"{label}:", path)
        if isinstance(kind, inspect.DictType):
            yield Line(depth + 1, "NAME:", path)
            yield from self.of(inner.cls, f"{path}.*", depth + 2)
        elif many:
            yield from _as_item(list(self.of(inner.cls, f"{path}[]", depth + 2)))
        else:
            yield from self.of(inner.cls, path, depth + 1)


def text_of(line: Line, notes: tuple[str, ...] = ()) -> str:
    """A line as it is printed."""
    text = _INDENT * line.depth + line.text
    remarks = ((f"as {short_path(line.same_as)}",) if line.same_as else ()) + notes
    return f"{text}   # {'; '.join(remarks)}" if remarks else text


def short_path(path: str) -> str:
    """A path as people name a field."""
    return path.replace("[]", "").replace(".*", "").removeprefix("spec.")


def spelled(kind: inspect.Type) -> str:
    """A type as the values look that it takes."""
    kind = stated(kind)
    match kind:
        case inspect.LiteralType():
            return " | ".join(str(value) for value in kind.values)
        case inspect.UnionType():
            return " | ".join(dict.fromkeys(spelled(each) for each in kind.types))
        case inspect.DictType():
            return f"{{NAME: {spelled(kind.value_type)}}}"
        case inspect.VarTupleType() | inspect.ListType():
            return f"[{spelled(kind.item_type)}]"
        case inspect.StructType():
            return "{...}"
    return _SCALARS[type(kind)]


def stated(kind: inspect.Type) -> inspect.Type:
    """A type without the ways of not stating a value."""
    if isinstance(kind, inspect.Metadata):
        return stated(kind.type)
    if isinstance(kind, inspect.UnionType):
        values = tuple(each for each in kind.types if not isinstance(each, inspect.NoneType | inspect.CustomType))
        return stated(values[0]) if len(values) == 1 else inspect.UnionType(values)
    return kind


def _element(kind: inspect.Type) -> tuple[inspect.Type, bool]:
    """What a list or map holds, and whether it is one."""
    if isinstance(kind, inspect.VarTupleType | inspect.ListType):
        return stated(kind.item_type), True
    if isinstance(kind, inspect.DictType):
        return stated(kind.value_type), True
    return kind, False


def _bracketed(text: str, kind: inspect.Type) -> str:
    if isinstance(kind, inspect.VarTupleType | inspect.ListType):
        return f"[{{{text}}}]"
    return f"{{NAME: {{{text}}}}}" if isinstance(kind, inspect.DictType) else f"{{{text}}}"


def _as_item(lines: list[Line]) -> Iterator[Line]:
    """The first field of an item has the dash."""
    for index, line in enumerate(lines):
        yield Line(line.depth - 1, f"- {line.text}", line.path, line.same_as) if index == 0 else line
