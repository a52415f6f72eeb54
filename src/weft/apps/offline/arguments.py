"""What the command line of `weft render` says, as values."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from weft.apps.offline.proxies import Said
from weft.cli.errors import Failure, Misuse
from weft.model.fields import format_path
from weft.model.proxy_node import NodeDescription, describe_node
from weft.sources.directory.chunks import Chunk
from weft.sources.directory.limits import Limits
from weft.sources.directory.text import UnreadableError, decode_text

_LIMITS: Final = Limits()


def said_of(labels: str | None, metadata: Path | None) -> Said:
    """What `--labels` and `--metadata` say of a proxy. Raises Misuse or Failure."""
    return Said(
        labels=None if labels is None else parse_labels(labels),
        description=NodeDescription() if metadata is None else read_metadata(metadata),
    )


def parse_labels(text: str) -> dict[str, str]:
    """Labels of the form `a=b,c=d`. Raises Misuse."""
    found: dict[str, str] = {}
    for part in (each.strip() for each in text.split(",")):
        key, mark, value = part.partition("=")
        if part and not (mark and key.strip()):
            raise Misuse(f"{part[:80]!r} is no label", hint="write --labels KEY=VALUE,KEY=VALUE")
        if part:
            found[key.strip()] = value.strip()
    return found


def read_metadata(path: Path) -> NodeDescription:
    """Node metadata from a JSON or YAML file. Raises Failure, which names file, line and field of all that is wrong."""
    try:
        text = decode_text(_bytes(path))
        chunk = Chunk(text, 0, json=path.suffix.lower() == ".json")
        documents = chunk.parse(_LIMITS)
    except UnreadableError as error:
        raise Failure(f"{path}:{error.line}:{error.column}: {error.message}", hint=error.advice) from error
    if len(documents) > 1:
        raise Failure(f"{path}: there are {len(documents)} documents", hint="node metadata is one")
    value: Any = documents[0][1] if documents else {}
    description, problems = describe_node({} if value is None else value)
    if problems:
        marks = chunk.places(_LIMITS, 0, [problem.path for problem in problems])
        lines = [
            f"{path}:{line}:{column}: {format_path(problem.path)}: {problem.message}"
            for problem, (line, column) in zip(problems, marks, strict=True)
        ]
        raise Failure("; ".join(lines), hint=problems[0].advice)
    return description


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_LIMITS.file_bytes + 1)
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}") from error
    if len(data) > _LIMITS.file_bytes:
        raise Failure(f"{path} has more than {_LIMITS.file_bytes >> 20} MiB")
    return data
