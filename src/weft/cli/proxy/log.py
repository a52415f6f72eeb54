"""`proxy-config log`: how much an Envoy says of what it does."""

import click

from weft.cli.completing import complete_target
from weft.cli.errors import Misuse
from weft.cli.options import mesh_options, namespace_option
from weft.cli.proxy.loggers import DEFAULT_LEVEL, queries
from weft.cli.proxy.target import admin_source

_LEVEL_HELP = "Set levels: LEVEL for all loggers, or LOGGER:LEVEL, separated by commas."


@click.command("log")
@click.argument("target", metavar="POD[.NAMESPACE] | deploy/NAME", shell_complete=complete_target)
@click.option("--level", default="", metavar="[LOGGER:]LEVEL,...", help=_LEVEL_HELP)
@click.option("-r", "--reset", is_flag=True, help=f"Set all loggers to {DEFAULT_LEVEL}.")
@namespace_option
@mesh_options
@click.pass_context
def log(context: click.Context, target: str, level: str, reset: bool, namespace: str) -> None:
    """Show the levels of an Envoy's loggers, or set them."""
    if level and reset:
        raise Misuse("--level and --reset contradict each other")
    try:
        changes = queries(DEFAULT_LEVEL if reset else level) if level or reset else [""]
    except ValueError as error:
        raise Misuse(str(error)) from error
    source = admin_source(context, target, namespace)
    answers = [source.loggers(query) for query in changes]
    click.echo(answers[-1].rstrip())
