"""Pages as a reader follows them: files to write and commands to type, in the order in which they stand.

A fence with a title is a file of that name. A fence of language `console` holds commands behind `$ `, each with the
output that is promised below it. Attributes of such a fence:

- `norun="why"`: its commands can't be run here.
- `exit="1"`: its commands end with this exit code.
- `within="20"`: numbers in the output may differ by as much.
- `isolation="netns"`: its commands do what they promise at this isolation and are left out at lesser ones. A page can
  say the same of all that is in it, as `isolation` of its front matter.
"""

import re
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path, PurePosixPath
from typing import Final

import yaml
from msgspec import Struct

ROOT: Final = Path(__file__).parents[2]
DOCS: Final = ROOT / "docs"

_FENCE: Final = re.compile(r"^(?P<indent> *)(?P<marks>`{3,})(?P<info>[^`]*)$")
_ATTRIBUTE: Final = re.compile(r'(\w+)="([^"]*)"')
_FRONT_MATTER: Final = re.compile(r"\A---\n(.*?\n)---\n", re.DOTALL)
_ATTRIBUTES: Final = {"title", "norun", "exit", "within", "isolation"}


class Fence(Struct, frozen=True):
    """A fenced block: its language, its attributes, its text without indentation, and the line that it starts in."""

    language: str
    attributes: dict[str, str]
    text: str
    line: int


class File(Struct, frozen=True):
    """A file to write. `name` is relative to the folder that the page starts in."""

    name: str
    text: str
    line: int


class Command(Struct, frozen=True):
    """A command to type. `output` are the promised lines; none promise nothing. `isolation` is what it takes beyond
    that of its page, empty if nothing."""

    text: str
    output: tuple[str, ...]
    exit: int
    within: int
    line: int
    isolation: str = ""


class Page(Struct, frozen=True):
    """A page and what its reader does, and the isolation that this takes."""

    path: Path
    steps: tuple[File | Command, ...]
    isolation: str

    @property
    def name(self) -> str:
        """The path inside of the repository."""
        return str(self.path.relative_to(ROOT))

    @property
    def commands(self) -> tuple[Command, ...]:
        """What is typed."""
        return tuple(step for step in self.steps if isinstance(step, Command))


class PageError(ValueError):
    """A page is not written as the tests need it; the message names the line."""


def read_page(path: Path) -> Page:
    """A page, after the files that another page makes before its first command: the one that the front matter names as
    `files_from`. Raises PageError."""
    text = path.read_text()
    stated = front_matter(text)
    start = stated.get("files_from")
    given = takewhile(lambda step: isinstance(step, File), read_page(path.parent / start).steps) if start else ()
    return Page(path, (*given, *steps(fences(text))), stated.get("isolation", "userns"))


def front_matter(text: str) -> dict[str, str]:
    """What a page says of itself before its first heading."""
    found = _FRONT_MATTER.match(text)
    return yaml.safe_load(found[1]) if found else {}


def fences(text: str) -> Iterator[Fence]:
    """The fenced blocks of a page."""
    opened: tuple[re.Match[str], int] | None = None
    body: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        found = _FENCE.match(line)
        if opened is None:
            if found:
                opened, body = (found, number), []
        elif found and found["marks"] == opened[0]["marks"] and not found["info"].strip():
            yield _fence(opened[0]["info"], body, opened[1])
            opened = None
        else:
            body.append(line.removeprefix(opened[0]["indent"]))
    if opened is not None:
        raise PageError(f"line {opened[1]}: the block has no end")


def steps(found: Iterator[Fence]) -> Iterator[File | Command]:
    """What fences ask their reader to do."""
    for fence in found:
        if "title" in fence.attributes:
            yield _file(fence)
        elif fence.language == "console" and "norun" not in fence.attributes:
            yield from _commands(fence)


def _fence(info: str, body: list[str], line: int) -> Fence:
    language = info.split(maxsplit=1)[0] if info.strip() else ""
    attributes = dict(_ATTRIBUTE.findall(info))
    unknown = attributes.keys() - _ATTRIBUTES
    if unknown:
        raise PageError(f"line {line}: unknown attribute {', '.join(sorted(unknown))}")
    return Fence(language, attributes, "".join(f"{text}\n" for text in body), line)


def _file(fence: Fence) -> File:
    name = PurePosixPath(fence.attributes["title"])
    if name.is_absolute() or ".." in name.parts:
        raise PageError(f"line {fence.line}: {name} is outside of the reader's folder")
    return File(str(name), fence.text, fence.line)


def _commands(fence: Fence) -> Iterator[Command]:
    """A line that ends with a backslash goes on in the next one."""
    typed, line = "", fence.line
    output: list[str] = []
    for number, text in enumerate(fence.text.splitlines(), fence.line + 1):
        if typed.endswith("\\\n"):
            typed += text if not text.endswith("\\") else f"{text}\n"
        elif text.startswith("$ "):
            if typed:
                yield _command(fence, typed, output, line)
            typed, output, line = text.removeprefix("$ "), [], number
            typed += "\n" if typed.endswith("\\") else ""
        elif not typed:
            raise PageError(f"line {number}: this is no command: it lacks the `$ `")
        else:
            output.append(text)
    if not typed:
        raise PageError(f"line {fence.line}: there is no command")
    yield _command(fence, typed, output, line)


def _command(fence: Fence, typed: str, output: list[str], line: int) -> Command:
    attributes = fence.attributes
    promised = tuple(text.rstrip() for text in output)
    code, within = int(attributes.get("exit", "0")), int(attributes.get("within", "0"))
    return Command(typed, promised, code, within, line, attributes.get("isolation", ""))
