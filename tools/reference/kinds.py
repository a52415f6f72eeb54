"""Kinds of objects and their fields: docs/reference/kinds.md."""

import inspect
from collections.abc import Iterator
from typing import Final

from msgspec import structs

from tools.reference.fields import Line, outline, short_path, text_of
from tools.reference.findings import Note, notes
from tools.reference.markdown import code, sections, table
from weft.apps.pipeline import all_kinds
from weft.model.objects import Kind

_CORE: Final = "v1"
_INTRODUCTION: Final = """\
# Kinds and fields

The objects that Weft reads today, and every field of them that it knows. Objects of other kinds are reported
([WEFT0202](codes.md)) and not used; that holds for the APIs of Gateway API, Linkerd and Cilium as well.

- A field that does not exist is an error in Istio's kinds. In Kubernetes' kinds it is a warning; fields of
  Kubernetes that are not listed here are accepted and mean nothing to the mesh, so that the same files work on a
  cluster.
- *Not supported yet* means that the field is known and Weft says what happens instead of it.
- `TEXT`, `NUMBER`, `BASE64` and `NAME` stand for values. Times are texts such as `1.5s` in Istio's kinds.
  `{...}   # as PATH` has the same fields as the one that is named.

Istio's mesh-wide settings are on [another page](settings.md#meshconfig)."""


def kinds_page() -> str:
    """The page."""
    kinds = list(all_kinds())
    rows = [(f"[{kind.name}](#{kind.name.lower()})", *_names(kind), _purpose(kind)) for kind in kinds]
    overview = table(("kind", "apiVersion", "short names", "what it is"), rows)
    return sections(_INTRODUCTION, overview, *(part for kind in kinds for part in _section(kind)))


def _section(kind: Kind) -> Iterator[str]:
    said = notes(kind)
    prefix = "spec" if kind.body == "spec" else ""
    lines = outline(kind.spec, prefix)
    yield f"## {kind.name}"
    yield f"{code(_versions(kind)[0])}{'' if kind.namespaced else ', of the whole mesh'}. {_purpose(kind)}"
    for note in said.get("", ()):
        yield f'!!! warning "Not in force"\n    {note.effect[0].upper()}{note.effect[1:]}. Way out: {note.advice}.'
    yield "\n".join(("```yaml", *_outline(lines, said, prefix), "```")) if lines else "It has no fields that matter."
    rows = [row for path, found in said.items() if path for note in found for row in _rows(path, note)]
    if rows:
        yield table(("field", "what happens", "way out"), rows)


def _outline(lines: list[Line], said: dict[str, list[Note]], prefix: str) -> Iterator[str]:
    if prefix:
        yield f"{prefix}:"
    for line in lines:
        deeper = structs.replace(line, depth=line.depth + bool(prefix))
        yield text_of(deeper, tuple(_mark(note) for note in said.get(line.path, ())))


def _mark(note: Note) -> str:
    about = f"{', '.join(note.values)}: " if note.values else ""
    return about + ("deprecated" if note.deprecated else "not supported yet")


def _rows(path: str, note: Note) -> Iterator[tuple[str, str, str]]:
    about = f"{code(short_path(path))} {', '.join(code(value) for value in note.values)}".strip()
    yield about, "; ".join(filter(None, ("deprecated" if note.deprecated else "", note.effect))), note.advice


def _names(kind: Kind) -> tuple[str, str]:
    return ", ".join(code(version) for version in _versions(kind)), ", ".join(map(code, kind.short_names))


def _versions(kind: Kind) -> list[str]:
    return [f"{kind.group}/{version}" if kind.group else version for version in kind.versions]


def _purpose(kind: Kind) -> str:
    """The first sentence of the structure's documentation."""
    text = " ".join((inspect.getdoc(kind.spec) or "").split())
    return f"{text.partition('. ')[0].removesuffix('.')}."
