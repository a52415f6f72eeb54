"""The commands of a running mesh, for the program to put into one group beside its own."""

from collections.abc import Iterable, Mapping
from typing import Final

import click

from weft.cli.lazy import Group, LazyCommand
from weft.cli.options import mesh_options

_COMMANDS: Final = {
    "get": ("get:get", "Show objects of the mesh as tables, YAML or JSON."),
    "describe": ("describe:describe", "Show all that is known of objects: status, issues, endpoints, policies."),
    "apply": ("apply:apply", "Create or change objects from files or standard input."),
    "label": ("label:label", "Set or remove labels of an object."),
    "delete": ("delete:delete", "Delete objects by name or by file."),
    "logs": ("logs:logs", "Show the output of a container or of Envoy."),
    "exec": ("execute:execute", "Run a command inside of a pod."),
    "status": ("status:status", "Show at a glance how the mesh is."),
    "proxy-status": ("proxy_status:proxy_status", "Show how far each Envoy has got with its configuration."),
    "proxy-config": ("proxy_config:proxy_config", "Show the configuration that an Envoy runs with."),
    "internal-debug": ("internal_debug:internal_debug", "Show how the controller computes, and why it pushed."),
    "redirect": ("redirect:redirect", "Write, explain and check the rules that lead traffic through sidecars."),
    "api-resources": ("api_resources:api_resources", "Show the kinds of objects that the mesh knows."),
    "version": ("version:version", "Show versions of this program and of the running mesh."),
    "completion": ("completion:completion", "Write the script that completes command lines in a shell."),
}
"""Each command: where it is, and what the list of commands says of it."""

ALIASES: Final[Mapping[str, str]] = {"ps": "proxy-status", "pc": "proxy-config"}


def commands() -> list[click.Command]:
    """All commands of this package. Their code is loaded when they are used."""
    return [LazyCommand(name, f"weft.cli.{target}", text) for name, (target, text) in _COMMANDS.items()]


def program(others: Iterable[click.Command] = ()) -> Group:
    """The command `weft` with all commands of this package and `others`."""

    options = {"help_option_names": ["-h", "--help"]}

    @click.group("weft", cls=Group, aliases=ALIASES, commands=[*others, *commands()], context_settings=options)
    @mesh_options
    def weft() -> None:
        """One service mesh that reads the APIs of Istio, Gateway API, Linkerd and Cilium."""

    return weft
