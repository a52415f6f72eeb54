"""`weft api-resources`."""

from typing import Final

import click

from weft.cli.api import Controller, KindInfo
from weft.cli.options import chosen_places, mesh_options
from weft.cli.table import render

HEADER: Final = ("NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND")


@click.command("api-resources")
@mesh_options
@click.pass_context
def api_resources(context: click.Context) -> None:
    """Show the kinds of objects that the mesh knows, by the names that commands take."""
    kinds = Controller(chosen_places(context)).kinds()
    click.echo(render(HEADER, [_row(kind) for kind in kinds]))


def _row(kind: KindInfo) -> tuple[str, ...]:
    version = f"{kind.group}/{kind.version}" if kind.group else kind.version
    return kind.plural, ",".join(kind.short_names), version, str(kind.namespaced).lower(), kind.kind
