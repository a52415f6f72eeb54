"""`weft internal-debug graph`."""

from typing import Final, Literal

import click

from weft.cli.api import Controller
from weft.cli.options import chosen_places, mesh_options
from weft.cli.output import structured
from weft.cli.table import render
from weft.serve.http.contract import GraphState

HEADER: Final = ("TABLE", "NODES", "COMPUTED", "CUT OFF")


@click.command("graph")
@click.option("-o", "--output", type=click.Choice(["json", "yaml"]), help="Form of the output.")
@mesh_options
@click.pass_context
def graph(context: click.Context, /, output: Literal["json", "yaml"] | None) -> None:
    """Show each table of the graph by which configuration is computed: the values that it holds, how many were computed
    since the controller started, and how many were found to be as they were without computing them."""
    found = Controller(chosen_places(context)).fetch("/v1/debug/graph", GraphState)
    if output:
        click.echo(structured(found, output))
    else:
        click.echo(render(HEADER, rows(found)))


def rows(found: GraphState) -> list[tuple[str, ...]]:
    """One row a table, in the order in which data flows, and the sums."""
    tables = [(each.name, str(each.nodes), str(each.computed), str(each.cut_off)) for each in found.tables]
    sums = (
        sum(each.nodes for each in found.tables),
        sum(each.computed for each in found.tables),
        sum(each.cut_off for each in found.tables),
    )
    return [*tables, ("all", *map(str, sums))]
