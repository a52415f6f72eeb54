"""`weft controller` and `weft node`: the processes that `weft up` keeps running.

What a process needs is imported when it has begun: the controller's imports take a second, in which a large folder is
read ahead.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import click

from weft.apps.children import end_with_parent
from weft.apps.families import families_option
from weft.apps.garbage import undisturbed
from weft.base.families import LOOPBACK
from weft.cli.lazy import load
from weft.cli.options import chosen_places, mesh_options
from weft.sources.directory.ahead import read_ahead
from weft.sources.directory.limits import Limits

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


@click.command()
@mesh_options
@click.option("--folder", type=click.Path(path_type=Path), required=True, help="Folder of the mesh's objects.")
@click.option("--recursive", is_flag=True, help="Also read the folders below.")
@click.option("--namespace", required=True, help="Network namespace to listen in.")
@click.option("--pod-cidr", required=True, multiple=True, help="Range of the pods' addresses; one of each family.")
@click.option("--certificate-seconds", type=click.IntRange(min=5), help="Lifetime of workloads' certificates.")
@click.option("--gateway-address", default=LOOPBACK["IPv4"], help="Where gateways listen.")
@click.option("--parent", type=int, help="Process to end with.")
@click.pass_context
def controller(context: click.Context, /, folder: Path, **chosen: Any) -> None:
    """Runs the controller of a standalone mesh."""
    _begin(chosen["parent"])
    ahead = read_ahead(folder, Limits(recursive=chosen["recursive"]))
    with undisturbed():
        run = load("weft.apps.controller_process:run")
    run(chosen_places(context), folder, chosen, ahead)


@click.command()
@mesh_options
@click.option("--envoy", type=click.Path(path_type=Path), help="Envoy's binary.")
@families_option
@click.option("--parent", type=int, help="Process to end with.")
@click.pass_context
def node(context: click.Context, *, envoy: Path | None, ip_families: str, parent: int | None) -> None:
    """Runs the node process of a standalone mesh."""
    _begin(parent)
    load("weft.apps.node_process:run")(chosen_places(context), envoy, ip_families)


def _begin(parent: int | None) -> None:
    if parent is not None:
        end_with_parent(parent)
    logging.basicConfig(level=logging.INFO, format=_FORMAT)
