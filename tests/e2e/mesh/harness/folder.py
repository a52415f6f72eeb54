"""The folder of a mesh's YAML files, changed as people and programs do."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import dedent
from typing import Any

import yaml

Contents = str | Sequence[Mapping[str, Any]]
"""YAML as text (indented as the test that holds it), or objects."""


class Folder:
    """Writes and deletes files. `path` is where `weft up` looks."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)

    def write(self, name: str, contents: Contents) -> Path:
        """Replaces a file at once, as editors do."""
        path = self.path / name
        new = path.with_name(f".{name}.new")
        new.write_text(text_of(contents))
        new.replace(path)
        return path

    def overwrite(self, name: str, data: bytes) -> None:
        """Writes into the file itself, as `cp` and `>` do: whoever looks meanwhile sees a part."""
        (self.path / name).write_bytes(data)

    def delete(self, name: str) -> None:
        """Removes a file."""
        (self.path / name).unlink()


def text_of(contents: Contents) -> str:
    """The text of a file with these contents."""
    return dedent(contents) if isinstance(contents, str) else yaml.safe_dump_all(contents, sort_keys=False)
