"""YAML and JSON files as a source of objects: which files there are, and how they are read, is told from outside."""

import threading
from collections.abc import Callable, Iterable, Set
from itertools import groupby
from pathlib import Path
from typing import Any

from msgspec import Struct

from weft.base.issues import Position, Ref
from weft.model.decode import Decoder
from weft.model.kinds import Kinds
from weft.sources.changes import Changes, Value
from weft.sources.directory.files import File, Files, ReadBytes
from weft.sources.directory.findings import findings
from weft.sources.directory.index import Index
from weft.sources.directory.limits import Limits
from weft.sources.directory.memory import Memory
from weft.sources.directory.reader import Ahead, Entry, FileContent, FileReader
from weft.sources.directory.tree import Listing
from weft.sources.state import Tables


class FilesAccess(Struct, frozen=True):
    """How files are found and read. `listing` raises OSError when the root can't be looked at. `again` looks at some
    files of a former listing; it returns None where all of them have to be looked at. `ahead` knows what texts say that
    were read already.
    """

    listing: Callable[[Path, Limits], Listing]
    read_bytes: ReadBytes
    again: Callable[[Path, Listing, Set[str], Limits], Listing | None] = lambda *_: None
    ahead: Ahead = lambda _: None


class FileObjects:
    """Reads files below a root; `scan` says what changed since the last scan.

    One thread scans; `position` and `body` may be asked by another one. A file that can't be read counts as its last
    good text. Objects get the time when they were first seen as their time of creation: those of one scan are equally
    old, so that "the oldest wins" falls to their names, as it does for objects of one `kubectl apply`.
    """

    def __init__(
        self,
        root: Path,
        kinds: Kinds,
        tables: Tables,
        *,
        access: FilesAccess,
        clock: Callable[[], float],
        limits: Limits,
    ) -> None:
        self.root = root
        self._access = access
        self._limits = limits
        self._memory = Memory(tables, clock)
        reader = FileReader(Decoder(kinds, created=self._memory.first_seen), limits, access.ahead)
        self._files = Files(root, reader, self._memory, limits, read_bytes=access.read_bytes)
        self._index = Index()
        self._lock = threading.Lock()
        self._left_out: frozenset[str] = frozenset()
        self._published: dict[Ref, Value] = {}
        self._listing = Listing({}, {}, linked=False)
        self._complete = False

    @property
    def restless(self) -> bool:
        """Whether the folder must be scanned again soon even if nobody notifies of a change."""
        return bool(self._files.busy) or self._listing.linked or bool(self._listing.problems)

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders that were looked at, relative to the root, which is ""."""
        return self._listing.folders

    def scan(self, names: Set[str] | None = None) -> Changes:
        """Reads what changed, of the files of these names if it is known that no others did, else of all.

        Never raises for what is in the folder: that becomes issues.
        """
        self._memory.begin()
        again = self._access.again(self.root, self._listing, names, self._limits) if names is not None else None
        self._listing = again or self._list()
        files = self._read_changed(None if again is None else names)
        touched: set[Ref] = set()
        with self._lock:
            for name, content in self._take(files).items():
                touched |= self._index.replace(name, content)
        changes = self._publish(touched)
        self._remember(changes.deletes)
        return changes

    def position(self, ref: Ref, path: str = "") -> Position | None:
        """Where an object, or a field of it, stands; None for objects that are in no file."""
        with self._lock:
            found = self._index.find(ref)
            return self._files.position(found[0].file, found[0].chunk, found[1], path) if found else None

    def body(self, ref: Ref) -> dict[str, Any] | None:
        """What the object's file says of it, with all fields; None for objects that are in no file."""
        with self._lock:
            found = self._index.find(ref)
            return self._files.body(found[0].file, found[0].chunk, found[1]) if found else None

    def bodies(self, refs: Iterable[Ref]) -> dict[Ref, dict[str, Any]]:
        """`body` of many objects. Each text is parsed once, and nobody else has to wait for that: for threads."""
        with self._lock:
            places = sorted((found[0].file, found[0].chunk, ref) for ref in refs if (found := self._index.find(ref)))
        bodies: dict[Ref, dict[str, Any]] = {}
        for (file, chunk), group in groupby(places, key=lambda place: place[:2]):
            with self._lock:
                entries = self._entries_at(file, chunk, (ref for _, _, ref in group))
                text = self._files.chunk(file, chunk) if entries else None
            if text is not None:
                bodies |= zip(entries, self._files.bodies(text, entries.values()), strict=False)
        return bodies

    def _entries_at(self, file: str, chunk: int, refs: Iterable[Ref]) -> dict[Ref, Entry]:
        """Those of some objects that still stand in a part of a file."""
        found = ((ref, self._index.find(ref)) for ref in refs)
        return {ref: at[1] for ref, at in found if at is not None and (at[0].file, at[0].chunk) == (file, chunk)}

    def _list(self) -> Listing:
        try:
            return self._access.listing(self.root, self._limits)
        except OSError as error:
            # A folder that is gone for a moment must not take the mesh down: what is below it is as it was.
            return Listing({}, {"": error.strerror or str(error)}, linked=False)

    def _read_changed(self, names: Set[str] | None) -> dict[str, File | None]:
        """The files of some names, or all, that may have changed as they count now, None for files that are gone."""
        former = self._files.known.keys() if names is None else names & self._files.known.keys()
        files: dict[str, File | None] = {name: None for name in former if not self._is_there(name)}
        for name in self._listing.files if names is None else names | self._files.unsettled:
            known, stamp = self._files.known.get(name), self._listing.files.get(name)
            if stamp is not None and (known is None or known.stamp != stamp):
                files[name] = self._files.read(name, stamp)
        return files

    def _take(self, files: dict[str, File | None]) -> dict[str, FileContent | None]:
        """Lets files count; returns the contents that changed by that, None where there is none any more."""
        changed: dict[str, FileContent | None] = {}
        for name, file in files.items():
            known = self._files.known.get(name)
            self._files.take(name, file)
            if file is None or known is None or file.content is not known.content:
                changed[name] = file.content if file else None
        return changed | self._limited(changed)

    def _is_there(self, name: str) -> bool:
        """Whether a file is there as far as is known: nothing is known of what is below an unreadable folder."""
        return name in self._listing.files or any(name.startswith(problem) for problem in self._listing.problems)

    def _limited(self, changed: dict[str, FileContent | None]) -> dict[str, FileContent | None]:
        """Leaves out the last files, by path, of a folder with too many objects; returns what changes by that."""
        if self._files.objects <= self._limits.objects and not self._left_out:
            return {}
        left_out = set()
        total = 0
        for name in sorted(self._files.known):
            total += self._files.known[name].content.count
            if total > self._limits.objects:
                left_out.add(name)
        before, self._left_out = self._left_out, frozenset(left_out)
        back = {name: self._files.known[name].content for name in before - left_out if name in self._files.known}
        return back | dict.fromkeys(left_out & (changed.keys() | (left_out - before)))

    def _publish(self, touched: set[Ref]) -> Changes:
        upserts: dict[Ref, Value] = {}
        deletes = set()
        for ref in touched:
            value = self._index.value(ref)
            if value is None:
                if self._published.pop(ref, None) is not None:
                    deletes.add(ref)
            elif self._published.get(ref) != value:
                upserts[ref] = self._published[ref] = value
        issues = findings(self._files, self._index, self._listing, self._left_out)
        return Changes(upserts, frozenset(deletes), issues, complete=not self._listing.problems)

    def _remember(self, gone: frozenset[Ref]) -> None:
        self._memory.forget(gone)
        if not self._complete and not self._listing.problems:
            self._complete = True
            self._memory.keep_only(self._index.refs())
            for name in self._memory.files() - self._files.known.keys():
                self._files.take(name, None)
        self._memory.flush()
