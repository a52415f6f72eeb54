"""How a command ends when it can't do what was asked."""

import os
from collections.abc import Mapping
from typing import IO, Any, Final

import click

from weft.cli.table import printable

FAILED: Final = 1
MISUSED: Final = 2
NO_MESH: Final = 3
INTERRUPTED: Final = 130
"""As shells: 128 + SIGINT."""


class Failure(click.ClickException):
    """Ends the command: one line says what is wrong, and one what to do about it, if there is anything."""

    exit_code = FAILED

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint

    def show(self, file: IO[Any] | None = None) -> None:
        """Writes both lines to standard error."""
        print_error(self.message, self.hint)


class Misuse(Failure):
    """The command line means nothing."""

    exit_code = MISUSED


class NoMeshError(Failure):
    """The mesh that is meant does not run: `missing` says what is not there of it."""

    exit_code = NO_MESH

    def __init__(self, mesh: str, missing: str) -> None:
        super().__init__(f"no mesh named {mesh} is running ({missing})", hint="start one with `weft up DIR`")


def print_error(message: str, hint: str = "") -> None:
    """Writes `error: ...`, and `hint: ...` below it, to standard error: each one line that can't steer a terminal."""
    click.echo(f"{click.style('error:', fg='red')} {_one_line(message)}", err=True, color=colour(os.environ))
    if hint:
        click.echo(f"hint: {_one_line(hint)}", err=True)


def colour(environment: Mapping[str, str]) -> bool | None:
    """For click's `color`: never where NO_COLOR is set to anything (https://no-color.org), else on terminals only."""
    return False if environment.get("NO_COLOR") else None


def _one_line(text: str) -> str:
    return printable(" ".join(text.split("\n")))
