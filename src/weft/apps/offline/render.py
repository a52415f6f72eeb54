"""`weft render`: what a proxy would get, from files alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, cast, get_args

import click

from weft.apps.assembly import EVERYWHERE, LOOPBACK
from weft.apps.families import families_in, families_option
from weft.apps.offline.arguments import said_of
from weft.apps.offline.files import OfflineFiles, read_files
from weft.apps.offline.mesh import MeshOptions, OfflineMesh, offline_mesh
from weft.apps.offline.proxies import Proxy, Said, find_proxy, pod_ref
from weft.apps.offline.rendering import render
from weft.cli.errors import print_error
from weft.cli.issues import print_issue
from weft.cli.options import files_options
from weft.cli.output import Structured, structured
from weft.cli.table import printable
from weft.envoy.resources import ProxyResources
from weft.envoy.type_urls import CDS, EDS, SDS
from weft.model.local import Isolation

_NODE: Final = "NAMESPACE/NAME of a pod in the files, or a proxy id: sidecar~IP~POD.NAMESPACE~DOMAIN (or router~...)."
_METADATA: Final = "JSON or YAML with node metadata as Istio's agent writes it (LABELS, SERVICE_ACCOUNT, NETWORK ...)."
_GATEWAY: Final = "Where gateways listen [default: as `weft up` for pods that it would run; else everywhere]."
_CHOICES: Final = get_args(Isolation)
_ISOLATION: Final = "How pods of the mesh are kept apart."
_TOLD: Final = ("error", "warning")
_OF_WAYPOINT: Final = (CDS, EDS, SDS)


@click.command("render")
@click.option("--node", metavar="NODE", required=True, help=_NODE)
@files_options(required=True)
@click.option("--labels", metavar="K=V,...", help="Labels of the proxy, in place of those that are known of it.")
@click.option("--metadata", type=click.Path(path_type=Path), metavar="FILE", help=_METADATA)
@click.option("--gateway-address", metavar="IP", help=_GATEWAY)
@click.option("--isolation", type=click.Choice(_CHOICES), default=_CHOICES[0], show_default=True, help=_ISOLATION)
@families_option
@click.option("-o", "--output", type=click.Choice(["json", "yaml"]), default="json", show_default=True, help="Format.")
def render_command(node: str, filename: Sequence[str], recursive: bool, output: str, **chosen: Any) -> int:
    """Show all that an Envoy would be configured with by a mesh that runs on these files.

    Nothing has to run, and nothing is changed. What is wrong with files and objects is told on standard error, and all
    the rest is rendered. Keys are left out.
    """
    said = said_of(chosen["labels"], chosen["metadata"])
    files = read_files(filename, recursive=recursive)
    options = MeshOptions(
        gateway_address=chosen["gateway_address"] or _gateway_address(node, files),
        families=families_in(chosen["ip_families"]),
        isolation=chosen["isolation"],
    )
    mesh = offline_mesh(files, options)
    for located in mesh.issues(across=False):
        if located.issue.severity in _TOLD:
            print_issue(located)
    proxy = find_proxy(mesh, node, said)
    if "~" not in node and proxy.pod != pod_ref(node):
        _note(f"{node} is no pod: shown is its replica {proxy.pod.name}")
    _note_gaps(proxy, said)
    click.echo(structured(_document(mesh, proxy), cast(Structured, output)))
    return 0


def _gateway_address(node: str, files: OfflineFiles) -> str:
    """Where gateways listen: as `weft up` says by default where the proxy is a pod that it would run."""
    return EVERYWHERE if "~" in node or files.made(pod_ref(node)) else LOOPBACK


def _document(mesh: OfflineMesh, proxy: Proxy) -> Any:
    resources = mesh.assembly.pipeline.resources
    types = _OF_WAYPOINT if proxy.role == "waypoint" else ProxyResources.types
    document = render(proxy.bootstrap, resources, proxy.key, types=types)
    for failure in resources.failures.get(proxy.key):
        print_error(f"{failure.name} can't be built and is left out: {failure.message}")
    return document


def _note_gaps(proxy: Proxy, said: Said) -> None:
    """Says what of the question has no answer yet."""
    if proxy.role == "waypoint":
        _note("Weft has no waypoints yet: shown is what a proxy gets that serves nobody, its clusters and endpoints")
    for name in said.description.without_effect:
        _note(f"{name} in the metadata has no effect: Weft does not read it")


def _note(text: str) -> None:
    click.echo(f"note: {printable(text)}", err=True)
