"""The process that reads a folder ahead: `python -m weft.sources.directory.ahead_worker FOLDER DEPTH FILE PARENT`.

DEPTH is `flat` or `recursive`, FILE the number of an open descriptor, which takes what was read. Only plain documents
are read: what they become is no larger than their text. The process ends when it is done, and soon after PARENT, the id
of who started it, has ended.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from msgspec import Raw, msgpack

from weft.sources.directory.ahead import Reading, frame
from weft.sources.directory.chunks import split
from weft.sources.directory.files import is_json
from weft.sources.directory.limits import Limits
from weft.sources.directory.text import UnreadableError, decode_text
from weft.sources.directory.tree import list_files

MOST_BYTES: Final = 64 * 1024 * 1024
"""What is written is kept in memory until all is read."""


def frames(folder: Path, limits: Limits) -> Iterator[bytes]:
    """What the files of a folder say, the last file first, at most MOST_BYTES of it. Raises OSError where the folder
    can't be looked at; files that can't be read are left out."""
    left = MOST_BYTES
    for name, stamp in reversed(list_files(folder, limits).files.items()):
        if stamp.size <= limits.file_bytes and not is_json(name):
            data = frame(list(_readings(folder / name)))
            left -= len(data)
            if left < 0:
                return
            yield data


def _readings(file: Path) -> Iterator[Reading]:
    try:
        text = decode_text(file.read_bytes())
    except (OSError, UnreadableError):
        return
    for chunk in split(text, json=False):
        document = chunk.plain()
        if document is not None:
            yield chunk.digest(), document[0], Raw(msgpack.encode(document[1]))


def main(arguments: Sequence[str]) -> None:
    """Reads ahead."""
    folder, depth, file, parent = arguments
    for data in frames(Path(folder), Limits(recursive=depth == "recursive")):
        if os.getppid() != int(parent):
            return
        while data:
            data = data[os.write(int(file), data) :]


if __name__ == "__main__":
    main(sys.argv[1:])
