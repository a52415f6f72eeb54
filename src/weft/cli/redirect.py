"""`weft redirect`: the rules that lead traffic through sidecars."""

from typing import Final

import click

from weft.cli.lazy import Group, LazyCommand
from weft.cli.options import mesh_options

_COMMANDS: Final = {
    "render": ("render:render", "Write the rules that flags of istio-iptables ask for."),
    "show": ("show:show", "Explain the rules of a pod, and where a packet would go."),
    "check": ("check:check", "Compare the rules of a pod with those that it should have."),
}
"""Each command: where it is, and what the list of commands says of it."""


@click.group(
    "redirect",
    cls=Group,
    commands=[LazyCommand(name, f"weft.cli.redirects.{target}", text) for name, (target, text) in _COMMANDS.items()],
)
@mesh_options
def redirect() -> None:
    """The rules that lead traffic through sidecars: written from flags, explained and checked in a running mesh."""
