"""`weft apply`."""

from collections.abc import Sequence
from typing import Any

import click

from weft.base.issues import LocatedIssue
from weft.cli.api import Controller
from weft.cli.errors import FAILED, Failure, NoMeshError, print_error
from weft.cli.issues import print_issue
from weft.cli.manifest_files import Manifest, Unreadable, read_manifests
from weft.cli.manifests import dig
from weft.cli.options import chosen_places, files_options, mesh_options
from weft.cli.resources import kind_key, resource_name
from weft.serve.http.contract import Applied


@click.command("apply")
@files_options(required=True)
@click.option("-n", "--namespace", metavar="NAME", help="Namespace of objects that name none.")
@mesh_options
@click.pass_context
def apply(context: click.Context, /, filename: Sequence[str], recursive: bool, namespace: str | None) -> int:
    """Create or change objects.

    An object that is refused changes nothing, and the others are applied all the same; the exit code is then 1.
    """
    controller = Controller(chosen_places(context))
    place = _Placer(controller, namespace)
    results = [_apply(controller, place, each) for each in read_manifests(filename, recursive=recursive)]
    if not results:
        raise Failure("no objects passed to apply")
    return 0 if all(results) else FAILED


class _Placer:
    """Puts objects that name no namespace into the one that the command line names."""

    def __init__(self, controller: Controller, namespace: str | None) -> None:
        self._namespace = namespace
        self._everywhere = (
            {kind.key for kind in controller.kinds() if not kind.namespaced} if namespace is not None else set()
        )

    def __call__(self, manifest: Manifest) -> dict[str, Any]:
        """The body to apply. Raises Failure where the object is in another namespace."""
        given = dig(manifest.body, "metadata", "namespace")
        if self._namespace in (None, given) or kind_key(manifest.body) in self._everywhere:
            return manifest.body
        if given:
            where = manifest.position("metadata.namespace")
            raise Failure(f"{where}: the object is in namespace {given}, not in {self._namespace}", hint="leave -n out")
        metadata = manifest.body.get("metadata")
        if not isinstance(metadata, dict):
            return manifest.body
        return {**manifest.body, "metadata": {**metadata, "namespace": self._namespace}}


def _apply(controller: Controller, place: _Placer, manifest: Manifest | Unreadable) -> bool:
    """Applies one object and tells what became of it; False if it was refused."""
    if isinstance(manifest, Unreadable):
        print_error(f"{manifest.position}: {manifest.message}", manifest.advice)
        return False
    try:
        applied = controller.send("POST", "/v1/objects", Applied, body=place(manifest))
    except NoMeshError:
        raise
    except Failure as failure:
        print_error(f"{manifest.position()}: {failure.message}", failure.hint)
        return False
    if applied.ref is not None and applied.result != "refused":
        click.echo(f"{resource_name(applied.ref.kind, applied.ref.name)} {applied.result}")
    for located in applied.issues:
        print_issue(LocatedIssue(located.issue, manifest.position(located.issue.path)))
    return applied.result != "refused"
