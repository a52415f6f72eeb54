"""`weft up` and `weft down`."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from weft.apps.claim import running_pid
from weft.apps.failures import mesh_failures
from weft.apps.progress import NotReadyError, Readiness, describe, get, until_ready
from weft.apps.supervisor import keep_mesh, stop_mesh
from weft.apps.up_options import UpOptions, arguments_of, chosen_isolation, up_options, up_options_in
from weft.base.issues import LocatedIssue
from weft.base.places import Places
from weft.cli.errors import Failure
from weft.cli.issues import print_issue
from weft.cli.options import chosen_places, mesh_options
from weft.node.forwarding import stored_forwards
from weft.node.limits import introduction

READY_LIMIT: Final = 120.0
_SHOWN_ISSUES: Final = 20


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@mesh_options
@up_options
@click.option("-d", "--detach", is_flag=True, help="Return once the mesh is ready; it goes on until `weft down`.")
@click.option("--timeout", type=float, default=READY_LIMIT, show_default=True, help="Seconds to wait for all pods.")
@click.pass_context
def up(context: click.Context, /, **given: Any) -> int:
    """Runs the objects in FOLDER as a mesh on this machine; changed files take effect at once. Ctrl-C removes it."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    places = chosen_places(context)
    with mesh_failures():
        choice = chosen_isolation(given["isolation"], places)
    for line in introduction(choice):
        click.echo(line)
    options = up_options_in(given, places, choice.isolation)
    return detached(options, given["timeout"]) if given["detach"] else run_mesh(options, given["timeout"])


def run_mesh(options: UpOptions, timeout: float) -> int:
    """Runs a mesh in this process until it is asked to end."""

    async def watch() -> int:
        seconds = await _say_when_ready(options.places, timeout)
        if seconds is not None:
            _say_ready(options.places, seconds, "Ctrl-C ends it")
        await asyncio.Event().wait()
        return 0

    with mesh_failures():
        return asyncio.run(keep_mesh(options, watch))


async def _say_when_ready(places: Places, limit: float) -> float | None:
    try:
        seconds = await until_ready(places, _say, limit=limit)
    except NotReadyError as error:
        click.echo(f"not everything is ready after {limit:.0f} s: {error}; it is still tried", err=True)
        return None
    issues = get(places, "/v1/issues") or ()
    for issue in msgspec.convert(issues[:_SHOWN_ISSUES], list[LocatedIssue]):
        print_issue(issue)
    return seconds


def _say_ready(places: Places, seconds: float, ending: str) -> None:
    for forward in stored_forwards(places.forwards):
        if forward.remark:
            click.echo(forward.remark)
    click.echo(f"mesh {places.mesh} is ready after {seconds:.1f} s; {ending}")


def _say(seconds: float, now: Readiness | None) -> None:
    click.echo(f"{seconds:5.1f} s  {describe(now)}")


def detached(options: UpOptions, timeout: float) -> int:
    """Runs a mesh in a process of its own, and returns once it is ready."""
    places = options.places
    if running_pid(places) is not None:
        raise Failure("the mesh runs already", hint="`weft status` shows it, `weft down` ends it")
    log = places.state / "logs" / "up.log"
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(log, "ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "weft.apps.main", "up", *arguments_of(options)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        seconds = asyncio.run(until_ready(places, _say, limit=timeout))
    except NotReadyError as error:
        ended = process.poll() is not None
        raise Failure(f"the mesh {'ended' if ended else 'is not ready'}: {error}", hint=f"see {log}") from error
    _say_ready(places, seconds, "`weft down` ends it")
    return 0


@click.command()
@mesh_options
@click.pass_context
def down(context: click.Context) -> int:
    """Stops a mesh and removes everything that it made, also after its processes were killed."""
    places = chosen_places(context)
    with mesh_failures():
        there = asyncio.run(stop_mesh(places))
    click.echo(f"mesh {places.mesh} is gone" if there else f"there was no mesh {places.mesh}")
    return 0
