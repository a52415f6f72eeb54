"""`weft delete`."""

from collections.abc import Iterator, Sequence
from typing import Any

import click
from msgspec import Struct

from weft.base.issues import Ref
from weft.cli.api import Controller, NotFoundError, object_path
from weft.cli.completing import complete_resource
from weft.cli.errors import FAILED, Misuse, print_error
from weft.cli.manifest_files import Unreadable, read_manifests
from weft.cli.manifests import dig
from weft.cli.options import chosen_places, files_options, mesh_options, namespace_option
from weft.cli.resource_table import identity
from weft.cli.resources import Wanted, find, kind_key, parse_resources


class _Deleted(Struct, frozen=True):
    ref: Ref


@click.command("delete")
@click.argument("resources", nargs=-1, metavar="[KIND NAME]...", shell_complete=complete_resource)
@files_options(required=False)
@namespace_option
@click.option("-l", "--selector", default="", metavar="SELECTOR", help="All objects of KIND with such labels.")
@click.option("--all", "everything", is_flag=True, help="All objects of KIND in the namespace.")
@click.option("--ignore-not-found", is_flag=True, help="It is no error if there is no such object.")
@mesh_options
@click.pass_context
def delete(context: click.Context, /, resources: Sequence[str], filename: Sequence[str], **options: Any) -> int:
    """Delete objects: by KIND NAME, KIND/NAME, label or file."""
    if bool(resources) == bool(filename):
        raise Misuse("name either objects or files (-f)")
    controller = Controller(chosen_places(context))
    failed = False
    for target in _of_files(filename, options) if filename else _of_words(controller, resources, options):
        failed |= target is None or not _delete(controller, target, ignore_missing=options["ignore_not_found"])
    return FAILED if failed else 0


def _of_files(names: Sequence[str], options: dict[str, Any]) -> Iterator[Wanted | None]:
    """The objects that files hold; None for what can't be read, which is told."""
    for manifest in read_manifests(names, recursive=options["recursive"]):
        if isinstance(manifest, Unreadable):
            print_error(f"{manifest.position}: {manifest.message}", manifest.advice)
            yield None
        else:
            namespace = dig(manifest.body, "metadata", "namespace") or options["namespace"]
            yield Wanted(kind_key(manifest.body), str(dig(manifest.body, "metadata", "name") or ""), str(namespace))


def _of_words(controller: Controller, words: Sequence[str], options: dict[str, Any]) -> Iterator[Wanted]:
    for wanted in parse_resources(words, options["namespace"], options["selector"]):
        if wanted.name is not None:
            yield wanted
        elif options["selector"] or options["everything"]:
            for listing in find(controller, [wanted])[0]:
                for namespace, name in map(identity, listing.items):
                    yield Wanted(listing.kind, name, namespace)
        else:
            raise Misuse(f"which {wanted.kind}?", hint="name them, or use -l or --all")


def _delete(controller: Controller, target: Wanted, *, ignore_missing: bool) -> bool:
    path = object_path(target.kind, target.name or "")
    try:
        ref = controller.send("DELETE", path, _Deleted, namespace=target.namespace).ref
    except NotFoundError as error:
        if not ignore_missing:
            print_error(error.message, error.hint)
        return ignore_missing
    where = f" from {ref.namespace} namespace" if ref.namespace else ""
    click.echo(f'{ref.kind.lower()} "{ref.name}" deleted{where}')
    return True
