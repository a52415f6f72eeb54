"""The folders that stand for images, as the mesh's Standalone objects say."""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from weft.base.issues import Issue, Position, Ref
from weft.dialects.kubernetes.injection import PROXY_CONTAINER
from weft.model import codes
from weft.model.fields import format_path
from weft.model.kubernetes import PodSpec
from weft.model.objects import Broken, Object
from weft.model.standalone import Standalone
from weft.sources.local.images import best_pattern

Place = Callable[[Ref, str], Position | None]
"""Where an object's file says a field; None for objects that are in no file."""

_UNREAD: Final = "the object can't be read, and so it is not known which folders stand for images"


class Folder(Struct, frozen=True):
    """A folder that stands for the images of a pattern, and the object that says so; `path` is absolute.

    It is None where the folder is relative and no file tells to what.
    """

    source: Ref
    created: int
    pattern: str
    stated: str
    path: str | None

    @property
    def order(self) -> tuple[int, str]:
        """The oldest counts where several name folders for one pattern, then the first by name."""
        return self.created, self.source.name

    @property
    def field(self) -> str:
        """The field that says it."""
        return format_path(("spec", "images", self.pattern))


class ImageFolders:
    """What all Standalone objects say together. One that becomes unreadable counts as it last was."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._objects: dict[Ref, tuple[Folder, ...] | None] = {}
        self._by_pattern: dict[str, Folder] = {}

    @property
    def known(self) -> bool:
        """False while there is an object that never could be read: images may then have folders that nobody knows."""
        return None not in self._objects.values()

    def take(self, ref: Ref, value: Object[Standalone] | Broken | None) -> None:
        """Takes over what an object says now; None if it is gone."""
        if value is None:
            self._objects.pop(ref, None)
        elif isinstance(value, Broken):
            self._objects.setdefault(ref, None)
        else:
            self._objects[ref] = tuple(self._folders(value))
        self._by_pattern = {folder.pattern: folder for folder in sorted(self._all(), key=_order, reverse=True)}

    def of(self, spec: PodSpec) -> dict[str, str]:
        """The folders of a pod's containers, by name; without those whose image has none."""
        found = {each.name: self._of_image(each.image) for each in spec.containers if each.name != PROXY_CONTAINER}
        return {name: path for name, path in found.items() if path is not None}

    def issues(self, is_folder: Callable[[str], bool] = os.path.isdir) -> Iterator[Issue]:
        """What is wrong with folders, as they are now."""
        for ref, folders in self._objects.items():
            if folders is None:
                effect = "pods stay as they are: none is made or replaced"
                yield Issue(codes.IMAGE_FOLDER, "error", ref, "spec.images", _UNREAD, effect, "correct the object")
        for folder in sorted(self._all(), key=_order):
            counts = self._by_pattern[folder.pattern]
            if counts.source != folder.source:
                yield self._twice(folder, counts)
            elif folder.path is None:
                yield _relative(folder)
            elif not is_folder(folder.path):
                yield _no_folder(folder)

    def _all(self) -> Iterator[Folder]:
        return (folder for folders in self._objects.values() for folder in folders or ())

    def _of_image(self, image: str) -> str | None:
        usable: Mapping[str, Folder] = self._by_pattern
        best = best_pattern(image, usable)
        return usable[best].path if best is not None else None

    def _folders(self, value: Object[Standalone]) -> Iterator[Folder]:
        position = self._place(value.ref, "")
        base = Path(position.file).parent if position is not None else None
        for pattern, stated in value.spec.images.items():
            yield Folder(value.ref, value.metadata.created, pattern, stated, _absolute(base, stated))

    def _twice(self, folder: Folder, counts: Folder) -> Issue:
        here, there = self._place(folder.source, folder.field), self._place(counts.source, counts.field)
        files = f" ({there}, and again {here})" if here is not None and there is not None else ""
        message = f"{counts.source} names a folder for the images {folder.pattern} already{files}"
        effect = f"{counts.stated} stands for them, as the older object says"
        return Issue(
            codes.IMAGE_NAMED_TWICE, "error", folder.source, folder.field, message, effect, "remove one of them"
        )


def _order(folder: Folder) -> tuple[int, str]:
    return folder.order


def _absolute(base: Path | None, stated: str) -> str | None:
    if base is None and not Path(stated).is_absolute():
        return None
    return os.path.abspath(Path(base or "/", stated))


def _relative(folder: Folder) -> Issue:
    message = f"{folder.stated!r} is relative, but the object comes from no file that it could be relative to"
    effect = f"no folder stands for the images {folder.pattern}"
    return Issue(codes.IMAGE_FOLDER, "error", folder.source, folder.field, message, effect, "write an absolute path")


def _no_folder(folder: Folder) -> Issue:
    message = f"{folder.path} is no folder"
    effect = f"containers with images {folder.pattern} are not started"
    return Issue(codes.IMAGE_FOLDER, "error", folder.source, folder.field, message, effect, "make it, or name another")
