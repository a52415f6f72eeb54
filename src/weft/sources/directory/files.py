"""The files of a folder as they count now: as they are, or as they last were when they could be read."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, structs

from weft.base.issues import Position
from weft.sources.directory.chunks import Chunk, split
from weft.sources.directory.limits import Limits
from weft.sources.directory.memory import Memory
from weft.sources.directory.reader import Entry, FileContent, FileReader
from weft.sources.directory.text import BusyError, UnreadableError, decode_text
from weft.sources.directory.tree import Stamp

ReadBytes = Callable[[Path, int], tuple[bytes, Stamp]]
"""Reads a file of at most so many bytes. Raises BusyError, UnreadableError, OSError."""

_SETTLED_SECONDS: Final = 0.1
"""A file that changed so shortly before it was read may change again without its stamp changing."""

_RECENT: Final = 8


class File(Struct, frozen=True):
    """A file as it counts.

    `stamp` is None when the file must be looked at again soon. `text` is what `content` was read from; None where
    `Memory` has it as a good text. `failure` is what is wrong with the file's text where an older one counts instead.
    `busy` files are being written.
    """

    stamp: Stamp | None
    content: FileContent
    good: bool
    text: str | None = None
    failure: FileContent | None = None
    busy: bool = False

    @property
    def flawed(self) -> bool:
        """Whether anything is wrong with it."""
        return self.failure is not None or any(content.issues for _, _, content in self.content.chunks)


class Files:
    """The files of one folder, by their path from its root. What `read` returns counts once it is taken.

    `objects` is how many they hold. Of those that are `flawed` something is wrong; `unsettled` ones may have changed
    since they were read although their stamp did not, and `busy` ones are being written.
    """

    def __init__(
        self, root: Path, reader: FileReader, memory: Memory, limits: Limits, *, read_bytes: ReadBytes
    ) -> None:
        self.root = root
        self._read_bytes = read_bytes
        self.known: dict[str, File] = {}
        self.objects = 0
        self.flawed: set[str] = set()
        self.unsettled: set[str] = set()
        self.busy: set[str] = set()
        self._recent: dict[str, tuple[FileContent | None, tuple[Chunk, ...]]] = {}
        self._reader = reader
        self._memory = memory
        self._limits = limits

    def read(self, name: str, stamp: Stamp) -> File | None:
        """Reads a file that may have changed; returns how it counts now, None when it is gone."""
        try:
            data, stamp = self._read_bytes(self.root / name, self._limits.file_bytes)
            return self._parse(name, decode_text(data), stamp)
        except FileNotFoundError:
            return None
        except BusyError:
            return structs.replace(self._older(name, None, None), busy=True)
        except OSError as error:
            return self._older(name, stamp, self._reader.refuse(UnreadableError(error.strerror or str(error))))
        except UnreadableError as error:
            return self._older(name, stamp, self._reader.refuse(error))

    def take(self, name: str, file: File | None) -> None:
        """Lets a file count as it was read; None forgets it."""
        self._note(name, file)
        if file is None:
            self.known.pop(name, None)
            self._recent.pop(name, None)
            self._memory.forget_file(name)
            return
        if file.good and file.text is not None:
            self._memory.set_good_text(name, file.text)
            file = structs.replace(file, text=None)
        self.known[name] = file

    def position(self, name: str, chunk: int, entry: Entry, path: str) -> Position:
        """Where a field of an object of a file stands."""
        shown = str(self.root / name)
        try:
            line, column = self._reader.place(self._chunks(name)[chunk], entry, path)
        except UnreadableError:  # what was salvaged of it has no better place
            return Position(shown, self.known[name].content.line(chunk, entry))
        return Position(shown, line, column)

    def body(self, name: str, chunk: int, entry: Entry) -> dict[str, Any] | None:
        """What a file says of an object, with all fields."""
        return next(iter(self.bodies(self.chunk(name, chunk), (entry,))), None)

    def chunk(self, name: str, chunk: int) -> Chunk:
        """A part of a file's text."""
        return self._chunks(name)[chunk]

    def bodies(self, chunk: Chunk, entries: Iterable[Entry]) -> list[dict[str, Any]]:
        """What a part of a file says of objects; nothing where it is unreadable. Depends on nothing else."""
        try:
            return self._reader.bodies(chunk, entries)
        except UnreadableError:
            return []

    def _note(self, name: str, file: File | None) -> None:
        former = self.known.get(name)
        self.objects += (file.content.count if file else 0) - (former.content.count if former else 0)
        for names, holds in (
            (self.flawed, file is not None and file.flawed),
            (self.unsettled, file is not None and file.stamp is None),
            (self.busy, file is not None and file.busy),
        ):
            (names.add if holds else names.discard)(name)

    def _parse(self, name: str, text: str, stamp: Stamp) -> File:
        known = self.known.get(name)
        settled = stamp if time.time() - stamp.content_ns / 1e9 > _SETTLED_SECONDS else None
        torn = _torn(text, self._memory.good_text(name) or "")
        if torn is not None:
            return self._older(name, settled, self._reader.refuse(torn))
        content = self._reader.read(text, json=is_json(name), older=known.content if known else None)
        if not content.readable:
            return self._older(name, settled, content, text)
        return File(settled, content, good=True, text=text)

    def _older(self, name: str, stamp: Stamp | None, failure: FileContent | None, text: str | None = None) -> File:
        """The file as it last was when it could be read; where it never could, what can be read of it now."""
        known = self.known.get(name)
        if known is not None and known.good:
            return File(stamp, known.content, good=True, failure=failure)
        good = self._memory.good_text(name)
        if good is not None:
            return File(stamp, self._reader.read(good, json=is_json(name)), good=True, failure=failure)
        return File(stamp, failure or FileContent(()), good=False, text=text)

    def _chunks(self, name: str) -> tuple[Chunk, ...]:
        """The text that a file's content was read from; that of a few files is kept at hand, for who asks for many."""
        file = self.known[name]
        content, chunks = self._recent.pop(name, (None, ()))
        if content is not file.content:
            text = self._memory.good_text(name) if file.good else file.text
            chunks = tuple(split(text or "", json=is_json(name)))
        self._recent[name] = (file.content, chunks)
        if len(self._recent) > _RECENT:
            del self._recent[next(iter(self._recent))]
        return chunks


def _torn(text: str, former: str) -> UnreadableError | None:
    """What is wrong with a text that a save which failed leaves behind, though it may be good YAML: less of the former
    text. Nobody empties a file to delete objects, or ends it within a line."""
    if not text.strip():
        advice = "remove the file, or leave a comment in it, if it shall say nothing"
        return UnreadableError("the file is empty now", 1, advice=advice) if former.strip() else None
    within_a_line = former.startswith(text) and former[len(text) :][:1] not in ("", "\r", "\n") and text[-1] != "\n"
    if not within_a_line:
        return None
    message = "the file ends within a line of its former text, as one that was not saved to its end"
    return UnreadableError(message, text.count("\n") + 1, advice="end the last line if it is what the file shall say")


def is_json(name: str) -> bool:
    """Whether a file is read as JSON."""
    return name.lower().endswith(".json")
