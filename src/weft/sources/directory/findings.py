"""Everything that is wrong with a folder of objects, in the order of its files."""

from collections.abc import Iterator, Set

from msgspec import structs

from weft.base.issues import Issue, LocatedIssue, Position
from weft.model.codes import DUPLICATE_OBJECT, TOO_MANY_OBJECTS, UNREADABLE_FILE, UNWATCHED_FOLDER
from weft.model.fields import format_path
from weft.sources.directory.files import File, Files
from weft.sources.directory.index import Index, Place
from weft.sources.directory.tree import Listing


def findings(files: Files, index: Index, listing: Listing, left_out: Set[str]) -> tuple[LocatedIssue, ...]:
    """All issues of a folder's files; `left_out` are those that hold more objects than are read."""
    found = [*_of_folder(files, listing), *_duplicates(files, index)]
    for name in sorted(files.flawed | left_out):
        found += _of_file(str(files.root / name), files.known[name])
        if name in left_out:
            message = "the folder holds more objects than are read; those of this file come last by its path"
            found.append(_about_file(files, name, TOO_MANY_OBJECTS, message, "none of its objects is used"))
    return tuple(found)


def _of_folder(files: Files, listing: Listing) -> Iterator[LocatedIssue]:
    for name, reason in sorted(listing.problems.items()):
        effect = "what it held before still counts" if name == "" or name.endswith("/") else ""
        yield _about_file(files, name, UNWATCHED_FOLDER, f"can't be read: {reason}", effect)


def _of_file(path: str, file: File) -> Iterator[LocatedIssue]:
    if file.failure is not None:
        effect = "the file counts as it was when it could last be read"
        yield from (_with_effect(located, effect) for located in file.failure.issues(path))
    effect = "only those of its objects that can be read are used; policies fail closed"
    for located in file.content.issues(path):
        yield _with_effect(located, effect) if located.issue.code == UNREADABLE_FILE else located


def _duplicates(files: Files, index: Index) -> Iterator[LocatedIssue]:
    for first, others in index.duplicates():
        ref = index.entry(first).value.ref
        counts = f"{_position(files, index, first)}{_in_list(index, first)}"
        for place in others:
            issue = Issue(
                DUPLICATE_OBJECT,
                "error",
                ref,
                format_path((*index.entry(place).prefix, "metadata", "name")),
                f"{ref} is already in {counts}",
                "the first one, by path and place in the file, is used",
                "remove one of the two",
            )
            yield LocatedIssue(issue, _position(files, index, place))


def _in_list(index: Index, place: Place) -> str:
    prefix = index.entry(place).prefix
    return f" ({format_path(prefix)})" if prefix else ""


def _position(files: Files, index: Index, place: Place) -> Position:
    line = files.known[place.file].content.line(place.chunk, index.entry(place))
    return Position(str(files.root / place.file), line)


def _about_file(files: Files, name: str, code: str, message: str, effect: str) -> LocatedIssue:
    position = Position(str(files.root / name), 0) if name else Position(str(files.root), 0)
    return LocatedIssue(Issue(code, "error", None, "", message, effect), position)


def _with_effect(located: LocatedIssue, effect: str) -> LocatedIssue:
    return LocatedIssue(structs.replace(located.issue, effect=effect), located.position)
