"""Issues as lines for people."""

import os
from collections.abc import Iterable, Sequence
from typing import Final

import click

from weft.base.issues import LocatedIssue, Position, Severity
from weft.cli.errors import colour
from weft.cli.table import printable

SEVERITIES: Final[Sequence[Severity]] = ("error", "warning", "info")

_COLOURS: Final = {"error": "red", "warning": "yellow", "info": "cyan"}


def by_severity(issues: Iterable[LocatedIssue]) -> list[LocatedIssue]:
    """Errors first, then warnings; else in the given order."""
    return sorted(issues, key=lambda located: SEVERITIES.index(located.issue.severity))


def describe_issue(located: LocatedIssue) -> str:
    """`FILE:LINE: Kind namespace/name, field: what is wrong; what follows [CODE]` in one line."""
    issue = located.issue
    about = ", ".join(filter(None, (str(issue.ref) if issue.ref else "", issue.path)))
    parts = (_place(located.position), about, issue.message)
    effect = f"; {issue.effect}" if issue.effect else ""
    return printable(f"{': '.join(filter(None, parts))}{effect} [{issue.code}]")


def print_issue(located: LocatedIssue, *, indent: str = "", err: bool = True) -> None:
    """Writes the issue, and below it the way out."""
    issue = located.issue
    label = click.style(f"{issue.severity}:", fg=_COLOURS[issue.severity])
    click.echo(f"{indent}{label} {describe_issue(located)}", err=err, color=colour(os.environ))
    if issue.advice:
        click.echo(f"{indent}hint: {printable(issue.advice)}", err=err)


def _place(position: Position | None) -> str:
    """`file:line:column`; line 0 is the file as a whole."""
    if position is None:
        return ""
    return f"{position.file}:{position.line}:{position.column}" if position.line else position.file
