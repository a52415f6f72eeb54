"""`weft exec`."""

import os
import sys
from typing import Any

import click

from weft.cli.completing import complete_target
from weft.cli.errors import Failure
from weft.cli.node_files import PodFiles
from weft.cli.options import chosen_places, mesh_options, namespace_option
from weft.cli.processes import run, run_in_terminal
from weft.cli.targets import find_pod


@click.command("exec")
@click.option("-c", "--container", metavar="NAME", help="Which container; without it the pod's first one.")
@click.option("-i", "--stdin", is_flag=True, help="Pass standard input to the command.")
@click.option("-t", "--tty", is_flag=True, help="Give the command a terminal.")
@namespace_option
@mesh_options
@click.argument("target", metavar="POD|deploy/NAME", shell_complete=complete_target)
@click.argument("command", nargs=-1, required=True, metavar="-- COMMAND...", type=click.UNPROCESSED)
@click.pass_context
def execute(context: click.Context, /, target: str, command: tuple[str, ...], **options: Any) -> int:
    """Run a command inside of a pod, with the user, environment and folder of one of its containers.

    The exit code is that of the command.
    """
    places = chosen_places(context)
    pod = find_pod(places, target, options["namespace"])
    vector = PodFiles(places, pod.namespace, pod.name).exec_vector(command, options["container"])
    try:
        if options["tty"] and options["stdin"] and _is_terminal():
            return run_in_terminal(vector, os.environ)
        if options["tty"]:
            click.echo("The command gets no terminal: that takes -i, too, and a terminal to pass on.", err=True)
        return run(vector, os.environ, stdin=options["stdin"])
    except OSError as error:
        raise Failure(f"the command can't be run: {error}") from error


def _is_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()
