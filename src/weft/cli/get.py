"""`weft get`: objects as tables, YAML, JSON or names."""

import time
from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal, get_args

import click

from weft.cli.api import Controller, Listing
from weft.cli.completing import complete_resource
from weft.cli.errors import FAILED, Misuse, print_error
from weft.cli.manifests import Json
from weft.cli.options import chosen_places, mesh_options, namespace_option
from weft.cli.output import structured
from weft.cli.resource_table import Layout, identity, table
from weft.cli.resources import Wanted, find, parse_resources, resource_name

Form = Literal["json", "yaml", "wide", "name"]

_FORMS: Final = click.Choice(get_args(Form))
_WATCH_INTERVAL: Final = 1.0


@click.command("get")
@click.argument("resources", nargs=-1, required=True, metavar="KIND [NAME]...", shell_complete=complete_resource)
@namespace_option
@click.option("-A", "--all-namespaces", is_flag=True, help="Objects of all namespaces.")
@click.option("-l", "--selector", default="", metavar="SELECTOR", help="Only objects with such labels.")
@click.option("-o", "--output", type=_FORMS, help="Form of the output.")
@click.option("-w", "--watch", is_flag=True, help="Go on and show what changes.")
@click.option("--show-labels", is_flag=True, help="Add a column with all labels.")
@click.option("--no-headers", is_flag=True, help="Leave out the headers of the columns.")
@mesh_options
@click.pass_context
def get(context: click.Context, /, resources: Sequence[str], output: Form | None, **options: Any) -> int:
    """Show objects of the mesh.

    KIND is a plural, singular or short name, with or without the group: pods, svc, virtualservices.networking.istio.io;
    or several with commas between. Events are a kind, too, and `all` stands for pods, services, deployments and
    jobs.
    """
    namespace = None if options["all_namespaces"] else str(options["namespace"])
    wanted = parse_resources(resources, namespace, options["selector"])
    layout = Layout(
        wide=output == "wide",
        all_namespaces=options["all_namespaces"],
        labels=options["show_labels"],
        headers=not options["no_headers"],
        prefixed=len({each.kind for each in wanted}) > 1,
    )
    controller = Controller(chosen_places(context))
    if options["watch"]:
        _watch(controller, wanted, layout, output)
    found, missing = find(controller, wanted)
    _show(found, wanted, layout, output)
    for failure in missing:
        print_error(failure.message, failure.hint)
    return FAILED if missing else 0


def _show(found: list[Listing], wanted: Sequence[Wanted], layout: Layout, output: Form | None) -> None:
    if output == "json" or output == "yaml":
        click.echo(structured(_document(found, wanted), output))
    elif output == "name":
        for listing in found:
            for item in listing.items:
                click.echo(resource_name(listing.kind, identity(item)[1]))
    else:
        _show_tables(found, layout, wanted[0].namespace)


def _show_tables(found: list[Listing], layout: Layout, namespace: str | None) -> None:
    now = time.time()
    tables = [table(listing, layout, now) for listing in _merged(found) if listing.items]
    if tables:
        click.echo("\n\n".join(tables))
    elif found:
        place = f" in {namespace} namespace" if namespace else ""
        click.echo(f"No resources found{place}.", err=True)


def _merged(found: list[Listing]) -> list[Listing]:
    """One listing a kind: objects that were asked for by name come one by one."""
    by_kind: dict[str, list[Json]] = {}
    for listing in found:
        by_kind.setdefault(listing.kind, []).extend(listing.items)
    return [Listing(kind, tuple(items)) for kind, items in by_kind.items()]


def _document(found: list[Listing], wanted: Sequence[Wanted]) -> Any:
    """The object, if one was asked for by name; else a List as kubectl writes it."""
    items = [item for listing in found for item in listing.items]
    if len(wanted) == 1 and wanted[0].name is not None and items:
        return items[0]
    return {"apiVersion": "v1", "kind": "List", "items": items}


def _watch(controller: Controller, wanted: Sequence[Wanted], layout: Layout, output: Form | None) -> None:
    """Shows all, and then again and again what is new or different; ends by a signal, or when the mesh does."""
    if output not in (None, "wide"):
        raise Misuse("--watch shows tables only")
    shown: dict[tuple[str, str, str], Json] = {}
    while True:
        for listing in _merged(find(controller, wanted)[0]):
            for line in changed_lines(listing, layout, shown):
                click.echo(line)
        time.sleep(_WATCH_INTERVAL)


def changed_lines(listing: Listing, layout: Layout, shown: dict[tuple[str, str, str], Json]) -> Iterator[str]:
    """Lines of the table whose object is not as it was shown, below headers that are shown once; takes note of them."""
    first = not any(kind == listing.kind for kind, _, _ in shown)
    lines = iter(table(listing, layout, time.time()).splitlines() if listing.items else ())
    if layout.headers and listing.items:
        headers = next(lines)
        if first:
            yield headers
    for item, line in zip(listing.items, lines, strict=True):
        key = (listing.kind, *identity(item))
        if shown.get(key) != item:
            shown[key] = item
            yield line
