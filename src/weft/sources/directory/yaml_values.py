"""YAML text to JSON values.

Made from libyaml's events instead of PyYAML's nodes: a third of the time, and no recursion, so that deep nesting is an
error message and not the end of the process. Aliases are resolved, but what they stand for is counted: a small file
can't become a huge value. Text, keys and numbers are read as kubectl reads them.
"""

from collections.abc import Iterator
from typing import Any, Final

import yaml
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from weft.model.fields import FieldPath
from weft.sources.directory.limits import Limits
from weft.sources.directory.scalars import Scalar, resolve
from weft.sources.directory.text import UnreadableError

Mark = tuple[int, int]
"""Line and column, both from 1."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Only its events are used; where PyYAML was built without libyaml, its own parser gives the same ones."""
_TAG: Final = "tag:yaml.org,2002:"
_TEXT_TAGS: Final = frozenset({"!", _TAG + "str", _TAG + "binary", _TAG + "timestamp"})
_TYPED_TAGS: Final[dict[str, type | tuple[type, ...]]] = {
    _TAG + "null": type(None),
    _TAG + "bool": bool,
    _TAG + "int": int,
    _TAG + "float": (int, float),
}
_COLLECTION_TAGS: Final = frozenset({None, "!", _TAG + "map", _TAG + "seq"})
_MERGE: Final = "<<"


def parse(text: str, limits: Limits) -> list[tuple[int, Any]]:
    """The line of each document's begin, and its value: None where it is empty. Raises UnreadableError."""
    return list(_documents(text, _Builder(limits, len(text))))


def locate(text: str, limits: Limits, document: int) -> dict[FieldPath, Mark]:
    """Where the fields and elements of one document stand. What an alias stands for has the alias' place."""
    builder = _PlacingBuilder(limits, len(text))
    for number, _ in enumerate(_documents(text, builder)):
        if number == document:
            return builder.places
        builder.places = {}
    return {}


class _Frame:
    """A list or mapping that has begun."""

    __slots__ = ("anchor", "before", "container", "height", "key", "merged")

    def __init__(self, container: Any, anchor: str | None, before: int) -> None:
        self.container = container
        self.anchor = anchor
        self.before = before
        self.height = 1
        self.key: str | None = None
        self.merged: list[dict[str, Any]] = []


class _Builder:
    """Takes the events of one text; `root` is the value of the document that ended last."""

    def __init__(self, limits: Limits, size: int) -> None:
        self.root: Any = None
        self.line = 1
        self.frames: list[_Frame] = []
        self._depth = limits.depth
        self._most_nodes = limits.nodes + limits.growth * size
        self._nodes = 0
        self._anchors: dict[str, tuple[Any, int, int]] = {}

    def take(self, event: Any) -> None:
        """Takes the next event."""
        kind = type(event)
        if kind is ScalarEvent:
            self._nodes += 1
            value = _scalar(event)
            if event.anchor is not None:
                self._anchors[event.anchor] = (value, 1, 0)
            self._attach(value, 0, event)
        elif kind is MappingStartEvent:
            self._begin({}, event)
        elif kind is SequenceStartEvent:
            self._begin([], event)
        elif kind in (MappingEndEvent, SequenceEndEvent):
            self._end(event)
        elif kind is AliasEvent:
            self._alias(event)
        elif kind is DocumentStartEvent:
            self.root = None
            self._anchors.clear()

    def placed(self, event: Any) -> None:
        """Called when a field or element begins; its path is that of `frames`."""

    def _begin(self, container: Any, event: Any) -> None:
        self._nodes += 1
        if event.tag not in _COLLECTION_TAGS:
            raise _error(event, f"the tag {event.tag[:80]} is not known", "remove it")
        frame = self.frames[-1] if self.frames else None
        if frame is None:
            self.line = event.start_mark.line + 1
        elif type(frame.container) is list:
            self.placed(event)
        elif frame.key is None:
            raise _error(event, "a key must be text", "write `key: value`")
        self.frames.append(_Frame(container, event.anchor, self._nodes - 1))
        if len(self.frames) > self._depth:
            raise self._too_deep(event)

    def _end(self, event: Any) -> None:
        frame = self.frames.pop()
        for merged in frame.merged:
            frame.container.update({key: value for key, value in merged.items() if key not in frame.container})
        if frame.anchor is not None:
            self._anchors[frame.anchor] = (frame.container, self._nodes - frame.before, frame.height)
        self._attach(frame.container, frame.height, event)

    def _alias(self, event: Any) -> None:
        name = event.anchor
        if any(frame.anchor == name for frame in self.frames):
            raise _error(event, f"the alias *{name} stands inside of what it stands for", "remove the cycle")
        if name not in self._anchors:
            raise _error(event, f"the alias *{name} has no anchor &{name} before it")
        value, nodes, height = self._anchors[name]
        self._nodes += nodes
        if self._nodes > self._most_nodes:
            most = f"{self._most_nodes:,} fields and elements"
            raise _error(event, f"with what its aliases stand for, the document has more than {most}")
        if len(self.frames) + height > self._depth:
            raise self._too_deep(event)
        self._attach(value, height, event)

    def _too_deep(self, event: Any) -> UnreadableError:
        return _error(event, f"fields are nested more than {self._depth} deep")

    def _attach(self, value: Any, height: int, event: Any) -> None:
        if not self.frames:
            self.root = value
            return  # `line` was set when it began; documents that are no mapping or list are refused anyway
        frame = self.frames[-1]
        container = frame.container
        if height >= frame.height:
            frame.height = height + 1
        if type(container) is list:
            if type(event) is not SequenceEndEvent and type(event) is not MappingEndEvent:
                self.placed(event)
            container.append(value)
        elif frame.key is None:
            frame.key = _key(value, event, container)
            self.placed(event)
        else:
            if frame.key == _MERGE:
                frame.merged += _mergeable(value, event)
            else:
                container[frame.key] = value
            frame.key = None


class _PlacingBuilder(_Builder):
    """Also notes where everything stands."""

    def __init__(self, limits: Limits, size: int) -> None:
        super().__init__(limits, size)
        self.places: dict[FieldPath, Mark] = {}

    def take(self, event: Any) -> None:
        """Takes the next event."""
        if not self.frames and not self.places and type(event) in (MappingStartEvent, SequenceStartEvent, ScalarEvent):
            self.places[()] = (event.start_mark.line + 1, event.start_mark.column + 1)
        super().take(event)

    def placed(self, event: Any) -> None:
        """Notes the place of a field's name or of an element."""
        path = tuple(len(frame.container) if frame.key is None else frame.key for frame in self.frames)
        self.places[path] = (event.start_mark.line + 1, event.start_mark.column + 1)


def _documents(text: str, builder: _Builder) -> Iterator[tuple[int, Any]]:
    try:
        parser = _LOADER(text)
        while type(event := parser.get_event()) is not StreamEndEvent:
            builder.take(event)
            if type(event) is DocumentEndEvent:
                yield builder.line, builder.root
    except yaml.MarkedYAMLError as error:
        raise _from_marked(error, text) from None
    except yaml.reader.ReaderError as error:
        raise _from_reader(error, text) from None


def _scalar(event: Any) -> Scalar:
    tag = event.tag
    if tag in _TEXT_TAGS or (tag is None and not event.implicit[0]):
        return event.value  # type: ignore[no-any-return]
    try:
        value = resolve(event.value)
    except ValueError as error:
        raise _error(event, str(error)) from None
    if tag is None:
        return value
    if tag not in _TYPED_TAGS:
        raise _error(event, f"the tag {tag[:80]} is not known", "remove it")
    if not isinstance(value, _TYPED_TAGS[tag]):
        raise _error(event, f"{event.value[:80]!r} is not what its tag !!{tag.removeprefix(_TAG)} says")
    return value


def _key(value: Any, event: Any, container: dict[str, Any]) -> str:
    """A field's name. kubectl takes numbers for their text (`8080:`), and would take `yes:` for `true`."""
    if type(value) is int or type(value) is float:
        value = str(value)
    if type(value) is not str:
        given = f" and {event.value!r} is none" if type(event) is ScalarEvent else ""
        raise _error(event, f"a key must be text{given}", "write it in quotes")
    if value in container:
        raise _error(event, f"`{value[:80]}` stands twice in the same place", "remove one of the two")
    return value


def _mergeable(value: Any, event: Any) -> list[dict[str, Any]]:
    sources = value if isinstance(value, list) else [value]
    if not all(isinstance(source, dict) for source in sources):
        raise _error(event, "`<<` must be followed by fields to merge, or a list of them")
    return sources


def _error(event: Any, message: str, advice: str = "") -> UnreadableError:
    mark = event.start_mark
    return UnreadableError(message, mark.line + 1, mark.column + 1, advice)


def _from_marked(error: yaml.MarkedYAMLError, text: str) -> UnreadableError:
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return UnreadableError(f"no YAML: {error.problem or error}", 1)
    tabbed = "\t" in text[mark.index : mark.index + 1] or "tab" in (error.problem or "")
    if tabbed:
        return UnreadableError("a tab is used to indent", mark.line + 1, mark.column + 1, "use spaces")
    start = error.context_mark
    begun = f" that begins in line {start.line + 1}" if start is not None and start.line != mark.line else ""
    context = f" ({error.context}{begun})" if error.context else ""
    return UnreadableError(f"no YAML: {error.problem}{context}", mark.line + 1, mark.column + 1)


def _from_reader(error: yaml.reader.ReaderError, text: str) -> UnreadableError:
    before = text.encode()[: error.position].decode("utf-8", "ignore")
    message = f"the character U+{error.character:04X} is not allowed in YAML"
    return UnreadableError(message, before.count("\n") + 1, len(before) - before.rfind("\n"))
