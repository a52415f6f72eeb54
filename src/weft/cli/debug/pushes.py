"""`weft internal-debug pushes`."""

import time
from collections.abc import Iterable, Iterator
from typing import Any, Final

import click
from msgspec.structs import replace

from weft.cli.ages import age
from weft.cli.api import Controller
from weft.cli.completing import complete_target
from weft.cli.options import chosen_places, mesh_options, namespace_option
from weft.cli.output import structured
from weft.cli.table import render
from weft.cli.targets import find_pod
from weft.serve.http.contract import PushReason

HEADER: Final = ("PUSH", "AGE", "AFTER", "LANE", "TOLD", "BECAUSE OF")

_SHOWN: Final = 3
_NEW_VIEW: Final = "a new view"
_PROXY_CAME: Final = "(a proxy that came)"


@click.command("pushes")
@click.argument("target", metavar="[POD[.NAMESPACE]|deploy/NAME]", default="", shell_complete=complete_target)
@click.option("-t", "--type", "kind", metavar="TYPE", default="", help="Only resources of a type: CDS, EDS, RDS, ...")
@click.option("-r", "--resource", metavar="NAME", default="", help="Only pushes that told a resource of this name.")
@click.option("-o", "--output", type=click.Choice(["json", "yaml"]), help="Form of the output.")
@namespace_option
@mesh_options
@click.pass_context
def pushes(context: click.Context, /, target: str, **options: Any) -> None:
    """Show the last pushes of configuration, the newest first: all of them, or those that told the Envoy of a pod
    anything; and the objects whose change led to each.

    The controller remembers 128 pushes, and of a large one not every name. Changes that came at the same time were told
    together: any of those that are shown may be the reason.
    """
    places = chosen_places(context)
    pod = find_pod(places, target, options["namespace"]) if target else None
    query = {"pod": pod.name, "namespace": pod.namespace} if pod is not None else {}
    found = Controller(places).fetch("/v1/debug/pushes", tuple[PushReason, ...], **query)
    chosen = list(chosen_of(found, options["kind"].upper(), options["resource"]))
    if options["output"]:
        click.echo(structured(chosen, options["output"]))
    elif not chosen:
        click.echo("No such push is remembered.", err=True)
    else:
        click.echo(render(HEADER, [row(each, time.time()) for each in chosen]))


def chosen_of(found: Iterable[PushReason], kind: str, resource: str) -> Iterator[PushReason]:
    """The pushes that told a resource of a type and name, with no other resources; empty ones choose all."""
    for push in found:
        told = {
            each: tuple(name for name in names if resource in ("", name))
            for each, names in push.resources.items()
            if kind in ("", each)
        }
        told = {each: names for each, names in told.items() if names}
        if told or not (kind or resource):
            yield replace(push, resources=told)


def row(push: PushReason, now: float) -> tuple[str, ...]:
    """The cells of a push; `now` in Unix seconds."""
    told = [
        f"{len(names)} {kind}" if len(names) > 1 else f"{kind} {names[0]}" for kind, names in push.resources.items()
    ]
    if push.moved:
        told.append(_NEW_VIEW)
    more = len(push.changes) - _SHOWN + push.more_changes
    changes = [*push.changes[:_SHOWN], *([f"{more} more"] if more > 0 else [])]
    waited = f"{push.waited * 1000:.0f}ms"
    return str(push.number), age(push.time, now), waited, push.lane, ", ".join(told), ", ".join(changes) or _PROXY_CAME
