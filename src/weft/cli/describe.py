"""`weft describe`: objects with all that is known of them."""

import time
from collections.abc import Iterator, Sequence
from typing import Any, Final
from urllib.parse import quote

import click
from msgspec import Struct

from weft.base.issues import LocatedIssue
from weft.cli.ages import age
from weft.cli.api import Controller
from weft.cli.completing import complete_resource
from weft.cli.errors import FAILED, print_error
from weft.cli.issues import by_severity, describe_issue
from weft.cli.manifests import Json, dig, seconds
from weft.cli.options import chosen_places, mesh_options, namespace_option
from weft.cli.output import structured
from weft.cli.resource_table import identity
from weft.cli.resources import find, kind_key, parse_resources
from weft.cli.table import printable, render

_NONE: Final = "<none>"
_INDENT: Final = "  "
_WIDTH: Final = 14
_EVENT_HEADER: Final = ("TYPE", "REASON", "AGE", "MESSAGE")
_HEAD_FIELDS: Final = frozenset({"apiVersion", "kind", "metadata"})
_SECRET: Final = "Secret"


class Known(Struct, frozen=True):
    """An object and what the mesh says of it: issues, what it is connected with, and events."""

    manifest: Json
    issues: Sequence[LocatedIssue] = ()
    related: dict[str, list[str]] = {}
    events: Sequence[Json] = ()


@click.command("describe")
@click.argument("resources", nargs=-1, required=True, metavar="KIND [NAME]...", shell_complete=complete_resource)
@click.option("-l", "--selector", default="", metavar="SELECTOR", help="Only objects with such labels.")
@namespace_option
@mesh_options
@click.pass_context
def describe(context: click.Context, /, resources: Sequence[str], selector: str, namespace: str) -> int:
    """Show objects with their status, issues and events, endpoints of services, and policies that select a pod."""
    controller = Controller(chosen_places(context))
    found, missing = find(controller, parse_resources(resources, namespace, selector))
    now = time.time()
    texts = [text(_known(controller, item), now) for listing in found for item in listing.items]
    if texts:
        click.echo("\n\n\n".join(texts))
    elif not missing:
        click.echo(f"No resources found in {namespace} namespace.", err=True)
    for failure in missing:
        print_error(failure.message, failure.hint)
    return FAILED if missing else 0


def text(known: Known, now: float) -> str:
    """All that is known, for people; `now` in Unix seconds."""
    return "\n".join([*_head(known.manifest, now), *_body(known.manifest), *_findings(known, now)])


def _known(controller: Controller, manifest: Json) -> Known:
    namespace, name = identity(manifest)
    kind = kind_key(manifest)
    events = controller.fetch("/v1/events", list[Json], namespace=namespace)
    about = {"kind": kind, "namespace": namespace, "name": name}
    return Known(
        manifest=manifest,
        issues=controller.fetch("/v1/issues", tuple[LocatedIssue, ...], **about),
        related=controller.fetch(
            f"/v1/related/{quote(kind, safe='')}/{quote(name, safe='')}", dict[str, list[str]], namespace=namespace
        ),
        events=[event for event in events if event.get("ref") == about],
    )


def _head(manifest: Json, now: float) -> Iterator[str]:
    namespace, name = identity(manifest)
    yield _field("Name", name)
    if namespace:
        yield _field("Namespace", namespace)
    yield _field("Kind", f"{manifest.get('kind')} ({manifest.get('apiVersion')})")
    yield from _pairs("Labels", dig(manifest, "metadata", "labels"))
    yield from _pairs("Annotations", dig(manifest, "metadata", "annotations"))
    created = dig(manifest, "metadata", "creationTimestamp")
    if created:
        yield _field("Created", f"{created} ({age(seconds(created), now)} ago)")


def _body(manifest: Json) -> Iterator[str]:
    """The other fields as YAML. Of secrets only sizes are told."""
    for key, value in manifest.items():
        if key in _HEAD_FIELDS or value in (None, {}, []):
            continue
        shown = _sizes(value) if kind_key(manifest) == _SECRET and isinstance(value, dict) else value
        yield f"{key[:1].upper()}{key[1:]}:"
        yield from (_INDENT + printable(line) for line in structured(shown, "yaml").splitlines())


def _findings(known: Known, now: float) -> Iterator[str]:
    for title, entries in known.related.items():
        yield from _section(title, entries)
    issues = by_severity(known.issues)
    yield from _section("Issues", [line for issue in issues for line in _issue_lines(issue)])
    rows = [
        (str(e.get("kind")), str(e.get("reason")), age(e.get("last"), now) + _times(e), str(e.get("message")))
        for e in known.events
    ]
    yield from _section("Events", render(_EVENT_HEADER, rows).splitlines() if rows else [])


def _issue_lines(located: LocatedIssue) -> Iterator[str]:
    yield f"{located.issue.severity}: {describe_issue(located)}"
    if located.issue.advice:
        yield f"hint: {located.issue.advice}"


def _times(event: Json) -> str:
    """`3m (x5 over 10m)`, as kubectl counts events that are equal."""
    count, first, last = event.get("count", 1), event.get("first"), event.get("last")
    return f" (x{count} over {age(first, last)})" if count > 1 and first and last else ""


def _section(title: str, lines: Sequence[str]) -> Iterator[str]:
    if not lines:
        yield _field(title, _NONE)
        return
    yield f"{title}:"
    yield from (_INDENT + printable(line) for line in lines)


def _pairs(title: str, pairs: Any) -> Iterator[str]:
    entries = [f"{key}={value}" for key, value in pairs.items()] if isinstance(pairs, dict) else []
    for number, entry in enumerate(entries or [_NONE]):
        yield _field(title if number == 0 else "", entry)


def _field(title: str, value: str) -> str:
    return f"{title + ':' if title else '':<{_WIDTH}}{printable(value)}"


def _sizes(values: Json) -> Json:
    return {key: f"{len(str(value))} characters" for key, value in values.items()}
