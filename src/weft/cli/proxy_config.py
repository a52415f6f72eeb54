"""`weft proxy-config`: what an Envoy runs with, in istioctl's tables."""

from typing import Final

import click

from weft.cli.lazy import Group, LazyCommand
from weft.cli.options import mesh_options

_COMMANDS: Final = {
    "all": ("certificates:everything", "Show all tables.", ("a",)),
    "bootstrap": ("resources:bootstrap", "Show the configuration that the Envoy was started with.", ("b",)),
    "clusters": ("resources:clusters", "Show the destinations that the Envoy knows.", ("cluster", "c")),
    "endpoints": ("resources:endpoints", "Show the addresses behind the clusters.", ("endpoint", "ep", "e")),
    "listeners": ("resources:listeners", "Show what the Envoy listens on.", ("listener", "l")),
    "log": ("log:log", "Show or set the levels of the Envoy's loggers.", ("logs", "o")),
    "routes": ("resources:routes", "Show the rules by which the Envoy routes requests.", ("route", "r")),
    "secrets": ("certificates:secrets", "Show the certificates that the Envoy holds.", ("secret", "s")),
}
"""Each command: where it is, what the list of commands says of it, and its other names, which are istioctl's."""


_ALIASES: Final = {alias: name for name, (_, _, aliases) in _COMMANDS.items() for alias in aliases}


@click.group(
    "proxy-config",
    cls=Group,
    aliases=_ALIASES,
    commands=[LazyCommand(name, f"weft.cli.proxy.{target}", text) for name, (target, text, _) in _COMMANDS.items()],
)
@mesh_options
def proxy_config() -> None:
    """Show the configuration that an Envoy runs with: by POD, POD.NAMESPACE or deploy/NAME, or from a saved dump."""
