"""The program `weft`: the commands that run a mesh, beside those of a running one."""

from __future__ import annotations

from typing import Final

import click

from weft.cli.commands import program
from weft.cli.lazy import LazyCommand

_COMMANDS: Final = (
    ("up", "weft.apps.up:up", "Run a folder of YAML as a mesh on this machine.", False),
    ("down", "weft.apps.up:down", "Stop a mesh and remove everything that it made.", False),
    ("demo", "weft.apps.demo.command:demo", "Show a mesh of small services with real traffic.", False),
    ("render", "weft.apps.offline.render:render_command", "Show what a proxy would get, from files alone.", False),
    ("validate", "weft.apps.offline.validate:validate", "Check objects in files, without a mesh.", False),
    ("controller", "weft.apps.processes:controller", "Run the controller (started by `weft up`).", True),
    ("inside", "weft.apps.inside:inside", "Run controller and node in namespaces (started by `weft up`).", True),
    ("forwarder", "weft.apps.inside:forwarder", "Lead into those namespaces (started by `weft up`).", True),
    ("node", "weft.apps.processes:node", "Run the node process (started by `weft up`).", True),
)
"""Name, where it is, what the list of commands says of it, and whether that leaves it out. Loaded when used."""


def weft() -> click.Group:
    """The program with all of its commands."""
    return program(LazyCommand(name, target, text, hidden=hidden) for name, target, text, hidden in _COMMANDS)


def main() -> None:
    """Runs the command line of this process."""
    weft().main(prog_name="weft")


if __name__ == "__main__":
    main()
