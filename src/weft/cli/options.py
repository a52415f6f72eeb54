"""Options that every command of a mesh takes, before or after the name of the command: which mesh is meant."""

import os
from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from weft.base.places import DEFAULT_MESH, MESH_VARIABLE, STATE_VARIABLE, PlaceError, Places, places
from weft.cli.errors import Misuse

F = TypeVar("F", bound=Callable[..., Any])

_MESH: Final = "weft.mesh"
_STATE: Final = "weft.state"


def mesh_options(command: F) -> F:
    """Adds `--mesh` and `--state-dir`; `chosen_places` then knows what was given, here or before the command."""
    for key, declaration, metavar, text in (
        (_STATE, "--state-dir", "DIR", f"Folder of the mesh's state [env: {STATE_VARIABLE}]."),
        (_MESH, "--mesh", "NAME", f"Which mesh is meant [default: {DEFAULT_MESH}; env: {MESH_VARIABLE}]."),
    ):
        add = click.option(declaration, metavar=metavar, help=text, expose_value=False, callback=_remember(key))
        command = add(command)
    return command


def chosen_places(context: click.Context, *, own: str | None = None) -> Places:
    """The places of the mesh that the command line means. Raises Failure.

    `own` is the mesh of a command that has one of its own: what the environment names is then another mesh.
    """
    environment = dict(os.environ)
    if own is not None:
        environment |= {MESH_VARIABLE: own, STATE_VARIABLE: ""}
    mesh = context.meta.get(_MESH) or environment.get(MESH_VARIABLE) or DEFAULT_MESH
    try:
        return places(mesh, context.meta.get(_STATE), environment=environment, root=os.geteuid() == 0)
    except PlaceError as error:
        raise Misuse(str(error)) from error


def _remember(key: str) -> Callable[[click.Context, click.Parameter, str | None], None]:
    def remember(context: click.Context, _: click.Parameter, value: str | None) -> None:
        if value is not None:
            context.meta[key] = value

    return remember


def namespace_option(command: F) -> F:
    """Adds `-n`; the parameter is `namespace`."""
    text = "Namespace of the object."
    return click.option("-n", "--namespace", metavar="NAME", default="default", show_default=True, help=text)(command)


def files_options(*, required: bool) -> Callable[[F], F]:
    """Adds `-f` (which may be repeated) and `-R`; the parameters are `filename` and `recursive`."""

    def add(command: F) -> F:
        text = "File, folder, or - for standard input; may be given several times."
        command = click.option("-R", "--recursive", is_flag=True, help="Also read the folders below.")(command)
        return click.option("-f", "--filename", metavar="FILE", multiple=True, required=required, help=text)(command)

    return add
