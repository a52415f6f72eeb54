"""`weft status`."""

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Literal

import click
import msgspec
from msgspec import Struct

from weft.base.issues import LocatedIssue
from weft.base.places import Places
from weft.cli.ages import duration
from weft.cli.api import Controller
from weft.cli.errors import FAILED, colour
from weft.cli.issues import SEVERITIES, by_severity, print_issue
from weft.cli.options import chosen_places, mesh_options
from weft.cli.output import structured
from weft.node.forwarding import stored_forwards
from weft.node.limits import limits_of
from weft.serve.http.contract import MeshStatus

SILENCE: Final = 30
"""Seconds after which a node that did not report counts as dead: it reports at least every ten."""

_SYNCED: Final = "SYNCED"
_SHOWN: Final = 5


class Finding(Struct, frozen=True):
    """One line of the status: what it is about, whether that is as it should be, and how it is."""

    subject: str
    good: bool
    text: str


@click.command("status")
@click.option("-o", "--output", type=click.Choice(["json", "yaml"]), help="Form of the output.")
@mesh_options
@click.pass_context
def status(context: click.Context, /, output: Literal["json", "yaml"] | None) -> int:
    """Show at a glance how the mesh is; the exit code is 1 if something is not as it should be."""
    places = chosen_places(context)
    found = Controller(places).fetch("/v1/status", MeshStatus)
    limits = (*limits_of(found.isolation), *_remarks(places))
    lines = list(findings(found, time.time()))
    healthy = all(line.good for line in lines)
    if output:
        click.echo(structured({"healthy": healthy, "limits": limits, **msgspec.to_builtins(found)}, output))
    else:
        _show(found, lines, limits)
    return 0 if healthy else FAILED


def findings(found: MeshStatus, now: float) -> Iterator[Finding]:
    """The lines of the status; `now` in Unix seconds."""
    yield Finding("Mesh", True, f"{found.mesh}: {found.folder}, isolation {found.isolation}")
    yield Finding("Controller", True, f"running for {duration(now - found.started)}, version {found.version}")
    yield _node(found.node_seen, now)
    pods = found.pods
    yield Finding("Pods", pods.ready >= pods.wanted, f"{pods.ready}/{pods.wanted} ready")
    yield _proxies(found.proxies, found.nacks)
    yield _issues(found.issues)


def _node(seen: int | None, now: float) -> Finding:
    if seen is None:
        return Finding("Node", False, "has not reported yet")
    since = duration(now - seen)
    if now - seen > SILENCE:
        return Finding("Node", False, f"silent for {since}")
    return Finding("Node", True, f"reported {since} ago")


def _proxies(counts: Mapping[str, int], refused: int) -> Finding:
    total = sum(counts.values())
    synced = counts.get(_SYNCED, 0)
    others = [f"{count} {state}" for state, count in sorted(counts.items()) if state != _SYNCED and count]
    refusals = [f"{refused} refused configurations since the start"] if refused else []
    return Finding("Proxies", synced == total, ", ".join([f"{synced}/{total} in sync", *others, *refusals]))


def _issues(issues: tuple[LocatedIssue, ...]) -> Finding:
    counts = {severity: sum(located.issue.severity == severity for located in issues) for severity in SEVERITIES}
    said = [f"{count} {severity}{'s' if count > 1 else ''}" for severity, count in counts.items() if count]
    return Finding("Issues", not counts["error"], ", ".join(said) or "none")


def _remarks(places: Places) -> tuple[str, ...]:
    """What somebody has to know of ports that lead into the mesh."""
    remarks = (forward.remark for forward in stored_forwards(places.forwards))
    return tuple(remark for remark in remarks if remark)


def _show(found: MeshStatus, lines: list[Finding], limits: Iterable[str]) -> None:
    for line in lines:
        mark = click.style("✔", fg="green") if line.good else click.style("✘", fg="red")
        click.echo(f"{mark} {line.subject + ':':<12}{line.text}", color=colour(os.environ))
    for limit in limits:
        click.echo(f"  - {limit}")
    issues = by_severity(found.issues)
    for located in issues[:_SHOWN]:
        print_issue(located, indent="    ", err=False)
    if len(issues) > _SHOWN:
        click.echo(f"    and {len(issues) - _SHOWN} more: `weft status -o json` has all")
