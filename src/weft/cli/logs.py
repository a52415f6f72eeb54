"""`weft logs`."""

import sys
from typing import Any, Final

import click

from weft.cli.completing import complete_target
from weft.cli.errors import Failure
from weft.cli.node_files import PodFiles
from weft.cli.options import chosen_places, mesh_options, namespace_option
from weft.cli.pods import PROXY
from weft.cli.tail import follow, tail
from weft.cli.targets import find_pod

_OTHER_NAMES: Final = {"envoy": PROXY}
_ALL: Final = -1


@click.command("logs")
@click.argument("target", metavar="POD|deploy/NAME|job/NAME", shell_complete=complete_target)
@click.option("-c", "--container", metavar="NAME", help=f"Which container; {PROXY} or envoy is the pod's Envoy.")
@click.option("-f", "--follow", "following", is_flag=True, help="Go on and show what is added.")
@click.option("-p", "--previous", is_flag=True, help="The run before the present one.")
@click.option("--tail", type=click.IntRange(min=_ALL), default=_ALL, metavar="N", help="Only the last N lines.")
@namespace_option
@mesh_options
@click.pass_context
def logs(context: click.Context, /, target: str, container: str | None, **options: Any) -> None:
    """Show the output of a container's present run; without -c of the pod's first container."""
    places = chosen_places(context)
    pod = find_pod(places, target, options["namespace"])
    name = _OTHER_NAMES.get(container, container) if container else None
    parts = PodFiles(places, pod.namespace, pod.name).logs(name, previous=options["previous"])
    if not parts:
        if options["previous"]:
            raise Failure(f"no former run of the container in pod {pod.namespace}/{pod.name} has left any output")
        return
    count = None if options["tail"] == _ALL else int(options["tail"])
    try:
        for block in follow(parts, count) if options["following"] else tail(parts, count):
            sys.stdout.buffer.write(block)
            if options["following"]:
                sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise Failure(f"the output can't be read: {error}") from error
