"""What the commands of `proxy-config` have in common: which Envoy is meant, and in which form it is shown."""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, BinaryIO, Literal

import click
from msgspec import Struct

from weft.cli.completing import complete_target
from weft.cli.errors import Failure, Misuse
from weft.cli.options import mesh_options, namespace_option
from weft.cli.output import structured
from weft.cli.proxy.dump import DumpError
from weft.cli.proxy.source import FileSource, Source
from weft.cli.proxy.target import admin_source
from weft.cli.table import render

Form = Literal["short", "json", "yaml"]
Command = Callable[..., None]
Row = tuple[str, ...]


class View(Struct, frozen=True):
    """What there is to show, as a table and as Envoy's own words. `rows` is only called for the table."""

    header: Row
    rows: Callable[[], Sequence[Row]]
    resources: Any

    @property
    def table(self) -> str:
        """The table as text."""
        return render(self.header, self.rows())


def show(view: View, output: Form) -> None:
    """Writes the view in the form that was asked for."""
    click.echo(view.table if output == "short" else structured(view.resources, output))


def output_option(default: Form = "short") -> Callable[[Command], Command]:
    """Adds `-o`."""
    forms = click.Choice(["short", "json", "yaml"])
    return click.option("-o", "--output", type=forms, default=default, show_default=True, help="Form of the output.")


def of_proxy(command: Command) -> Command:
    """Gives a command the Envoy that is meant as its first argument (`Source`), and the options that tell which."""

    @click.argument("target", metavar="[POD[.NAMESPACE] | deploy/NAME]", default="", shell_complete=complete_target)
    @click.option("-f", "--file", type=click.File("rb"), help="Read a saved dump instead of asking an Envoy.")
    @namespace_option
    @mesh_options
    @click.pass_context
    @wraps(command)
    def wrapped(context: click.Context, /, target: str, file: BinaryIO | None, namespace: str, **others: Any) -> None:
        if bool(target) == bool(file):
            raise Misuse("name either a pod or a file (--file)")
        source: Source = FileSource(file.read()) if file else admin_source(context, target, namespace)
        try:
            command(source, **others)
        except DumpError as error:
            raise Failure(str(error)) from error

    return wrapped
