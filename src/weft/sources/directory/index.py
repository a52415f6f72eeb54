"""Which object counts where several files say what it is."""

from bisect import insort
from collections.abc import Iterable

from msgspec import Struct

from weft.base.issues import Ref
from weft.sources.changes import Value
from weft.sources.directory.reader import Entry, FileContent


class Place(Struct, frozen=True, order=True):
    """Where an object stands: file, number of the chunk, number of the object in the file."""

    file: str
    chunk: int
    number: int


class Index:
    """All objects of all files by key. The first in the order of places counts."""

    def __init__(self) -> None:
        self._entries: dict[Place, Entry] = {}
        self._places: dict[Ref, list[Place]] = {}
        self._of_file: dict[str, list[Place]] = {}
        self._twice: set[Ref] = set()

    def replace(self, file: str, content: FileContent | None) -> set[Ref]:
        """Takes a file's new content, None when it is gone; returns the keys that this may have changed."""
        touched = set()
        for place in self._of_file.pop(file, ()):
            ref = self._entries.pop(place).value.ref
            places = self._places[ref]
            places.remove(place)
            if not places:
                del self._places[ref]
            touched.add(ref)
        if content is not None:
            touched |= self._add(file, content)
        self._twice -= touched
        self._twice |= {ref for ref in touched if len(self._places.get(ref, ())) > 1}
        return touched

    def _add(self, file: str, content: FileContent) -> set[Ref]:
        mine = self._of_file[file] = []
        for number, (chunk, entry) in enumerate(content.entries()):
            place = Place(file, chunk, number)
            mine.append(place)
            self._entries[place] = entry
            insort(self._places.setdefault(entry.value.ref, []), place)
        return {self._entries[place].value.ref for place in mine}

    def value(self, ref: Ref) -> Value | None:
        """The object that counts."""
        found = self.find(ref)
        return None if found is None else found[1].value

    def find(self, ref: Ref) -> tuple[Place, Entry] | None:
        """Where the object that counts stands."""
        places = self._places.get(ref)
        return None if not places else (places[0], self._entries[places[0]])

    def entry(self, place: Place) -> Entry:
        """The object at a place."""
        return self._entries[place]

    def refs(self) -> Iterable[Ref]:
        """All keys."""
        return self._places.keys()

    def duplicates(self) -> Iterable[tuple[Place, list[Place]]]:
        """Objects that stand in several places: the one that counts, and the others. Those without name don't count."""
        for ref in sorted(self._twice):
            if ref.name:
                first, *others = self._places[ref]
                yield first, others

    def __len__(self) -> int:
        return len(self._entries)
