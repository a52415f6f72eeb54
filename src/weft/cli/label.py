"""`weft label`."""

from collections.abc import Mapping, Sequence

import click

from weft.cli.api import Controller, object_path
from weft.cli.completing import complete_resource
from weft.cli.errors import FAILED, Failure, Misuse
from weft.cli.issues import print_issue
from weft.cli.manifests import Json, dig
from weft.cli.options import chosen_places, mesh_options, namespace_option
from weft.cli.resources import Wanted, kind_key, parse_resources, resource_name
from weft.serve.http.contract import Applied


@click.command("label")
@click.argument(
    "words", nargs=-1, required=True, metavar="KIND NAME KEY=VALUE|KEY-...", shell_complete=complete_resource
)
@click.option("--overwrite", is_flag=True, help="Replace labels that have another value.")
@namespace_option
@mesh_options
@click.pass_context
def label(context: click.Context, /, words: Sequence[str], overwrite: bool, namespace: str) -> int:
    """Set labels of objects (KEY=VALUE), or remove them (KEY-)."""
    changes = parse_changes([word for word in words if _is_change(word)])
    named = [word for word in words if not _is_change(word)]
    if not changes or not named:
        raise Misuse("name an object and at least one label", hint="weft label pod NAME KEY=VALUE")
    targets = parse_resources(named, namespace)
    if any(target.name is None for target in targets):
        raise Misuse(f"which {targets[0].kind}?", hint="name it: weft label KIND NAME KEY=VALUE")
    controller = Controller(chosen_places(context))
    results = [_label(controller, target, changes, overwrite=overwrite) for target in targets]
    return 0 if all(results) else FAILED


def parse_changes(words: Sequence[str]) -> dict[str, str | None]:
    """Labels to set, or to remove (None). Raises Misuse where one is named twice."""
    changes: dict[str, str | None] = {}
    for word in words:
        key, equals, value = word.partition("=")
        name = key if equals else key.removesuffix("-")
        if not name or name in changes:
            raise Misuse(f"{word!r}: " + ("the label is named twice" if name else "the label has no name"))
        changes[name] = value if equals else None
    return changes


def _is_change(word: str) -> bool:
    return "=" in word or word.endswith("-")


def _label(controller: Controller, target: Wanted, changes: Mapping[str, str | None], *, overwrite: bool) -> bool:
    name, namespace = target.name or "", target.namespace or ""
    manifest = controller.object(target.kind, namespace, name)
    if not overwrite:
        _refuse_overwriting(manifest, changes)
    body = {"labels": changes}
    applied = controller.send("PATCH", object_path(target.kind, name), Applied, body=body, namespace=namespace)
    for located in applied.issues:
        print_issue(located)
    if applied.result != "refused":
        click.echo(f"{resource_name(kind_key(manifest), name)} {_outcome(applied, changes)}")
    return applied.result != "refused"


def _outcome(applied: Applied, changes: Mapping[str, str | None]) -> str:
    if applied.result == "unchanged":
        return "not labeled"
    return "labeled" if any(value is not None for value in changes.values()) else "unlabeled"


def _refuse_overwriting(manifest: Json, changes: Mapping[str, str | None]) -> None:
    present = dig(manifest, "metadata", "labels") or {}
    for key, value in changes.items():
        if value is not None and present.get(key, value) != value:
            raise Failure(f"label {key} has the value {present[key]!r} already", hint="--overwrite replaces it")
