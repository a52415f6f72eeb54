"""The command line: docs/reference/commands.md."""

from collections.abc import Iterator
from typing import Final

import click

from tools.reference.markdown import code, sections, table
from weft.apps.main import weft
from weft.cli.commands import ALIASES
from weft.cli.errors import FAILED, INTERRUPTED, MISUSED, NO_MESH
from weft.cli.lazy import LazyCommand

_INTRODUCTION: Final = """\
# Commands

`--mesh` and `--state-dir` say which mesh is meant; they stand before or behind the name of the command and are left
out below. Without them it is the mesh `default`. See also [settings](settings.md#environment)."""

_COMMON: Final = frozenset({"--mesh", "--state-dir", "--help"})


def commands_page() -> str:
    """The page."""
    group = weft()
    context = click.Context(group, info_name="weft")
    parts = [part for name in group.list_commands(context) for part in _command(group, context, name, level=2)]
    return sections(_INTRODUCTION, _exit_codes(), *parts)


def _exit_codes() -> str:
    rows = (
        ("0", "done; for `weft status`: all is as it should be"),
        (str(FAILED), "it could not be done, or something is not as it should be"),
        (str(MISUSED), "the command line means nothing"),
        (str(NO_MESH), "the mesh does not run"),
        (str(INTERRUPTED), "interrupted by Ctrl-C"),
    )
    end = "`weft exec` ends with the exit code of the command that it ran."
    return sections("## Exit codes", table(("code", "meaning"), rows), end)


def _command(group: click.Group, parent: click.Context, name: str, *, level: int) -> Iterator[str]:
    found = group.get_command(parent, name)
    if found is None or found.hidden:
        return
    command = found.load() if isinstance(found, LazyCommand) else found
    context = click.Context(command, info_name=name, parent=parent)
    yield f"{'#' * level} {context.command_path}"
    yield _paragraphs(command)
    yield _usage(command, context)
    yield _options(command, context)
    for other in [short for short, meant in ALIASES.items() if meant == name and level == 2]:
        yield f"Short form: `weft {other}`."
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            yield from _command(command, context, child, level=level + 1)


def _paragraphs(command: click.Command) -> str:
    return "\n\n".join(_paragraph(part) for part in (command.help or "").strip().split("\n\n"))


def _paragraph(text: str) -> str:
    """One that begins with a line of `\\b` keeps its lines (click, "Preventing Rewrapping")."""
    lines = [line.strip() for line in text.strip("\n").split("\n")]
    if lines[0] == "\b":
        return "\n".join(("```text", *lines[1:], "```"))
    return " ".join(" ".join(lines).split())


def _usage(command: click.Command, context: click.Context) -> str:
    pieces = " ".join(command.collect_usage_pieces(context))
    return f"```text\n{context.command_path} {pieces}\n```"


def _options(command: click.Command, context: click.Context) -> str:
    records = [
        record
        for option in command.get_params(context)
        if isinstance(option, click.Option) and not _COMMON & set(option.opts)
        if (record := option.get_help_record(context))
    ]
    return table(("option", "meaning"), [(code(name), text) for name, text in records]) if records else ""
