"""`weft internal-debug`: the controller from inside, as `istioctl x internal-debug`."""

from typing import Final

import click

from weft.cli.lazy import Group, LazyCommand
from weft.cli.options import mesh_options

_COMMANDS: Final = {
    "graph": ("graph:graph", "Show how much the controller holds, computed and did not have to compute."),
    "pushes": ("pushes:pushes", "Show the last pushes, and which changes led to them."),
}
"""Each command: where it is, and what the list of commands says of it."""


@click.group(
    "internal-debug",
    cls=Group,
    commands=[LazyCommand(name, f"weft.cli.debug.{target}", text) for name, (target, text) in _COMMANDS.items()],
)
@mesh_options
def internal_debug() -> None:
    """The controller from inside: what it computed, and why it pushed what it pushed."""
