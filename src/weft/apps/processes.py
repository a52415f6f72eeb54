"""`weft controller` and `weft node`: the processes that `weft up` keeps running."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import click

from weft.apps.assembly import LOOPBACK, gateway_addresses
from weft.apps.children import end_with_parent
from weft.apps.controller import ControllerOptions, run_controller
from weft.apps.endings import signals_call
from weft.apps.families import families_in, families_option, loopback_addresses
from weft.apps.serving_limits import LimitError, ServingLimits, serving_limits
from weft.cli.options import chosen_places, mesh_options
from weft.node.addresses import MeshNetwork
from weft.node.agent import run_node
from weft.node.settings import NodeSettings, node_settings, stored_isolation

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


@click.command()
@mesh_options
@click.option("--folder", type=click.Path(path_type=Path), required=True, help="Folder of the mesh's objects.")
@click.option("--recursive", is_flag=True, help="Also read the folders below.")
@click.option("--namespace", required=True, help="Network namespace to listen in.")
@click.option("--pod-cidr", required=True, multiple=True, help="Range of the pods' addresses; one of each family.")
@click.option("--certificate-seconds", type=click.IntRange(min=5), help="Lifetime of workloads' certificates.")
@click.option("--gateway-address", default=LOOPBACK, help="Where gateways listen.")
@click.option("--parent", type=int, help="Process to end with.")
@click.pass_context
def controller(context: click.Context, /, folder: Path, **chosen: Any) -> None:
    """Runs the controller of a standalone mesh."""
    _begin(chosen["parent"])
    network = MeshNetwork(chosen["namespace"], tuple(map(ip_network, chosen["pod_cidr"])))
    seconds = chosen["certificate_seconds"]
    places = chosen_places(context)
    options = ControllerOptions(
        places=places,
        folder=folder,
        recursive=chosen["recursive"],
        network=network,
        isolation=stored_isolation(places),
        gateway_addresses=gateway_addresses(
            chosen["gateway_address"], tuple(map(str, network.hosts)), loopback_addresses(network.families)
        ),
        certificate_lifetime=timedelta(seconds=seconds) if seconds is not None else timedelta(hours=24),
        limits=_limits(),
    )
    asyncio.run(run_controller(options))


@click.command()
@mesh_options
@click.option("--envoy", type=click.Path(path_type=Path), help="Envoy's binary.")
@families_option
@click.option("--parent", type=int, help="Process to end with.")
@click.pass_context
def node(context: click.Context, *, envoy: Path | None, ip_families: str, parent: int | None) -> None:
    """Runs the node process of a standalone mesh."""
    _begin(parent)
    asyncio.run(_node(node_settings(chosen_places(context), envoy, families_in(ip_families))))


async def _node(settings: NodeSettings) -> None:
    """The pods go on when this ends: the next node process takes them over."""
    work = asyncio.create_task(run_node(settings))
    with signals_call(work.cancel), contextlib.suppress(asyncio.CancelledError):
        await work


def _begin(parent: int | None) -> None:
    if parent is not None:
        end_with_parent(parent)
    logging.basicConfig(level=logging.INFO, format=_FORMAT)


def _limits() -> ServingLimits:
    try:
        return serving_limits(os.environ)
    except LimitError as error:
        raise click.UsageError(str(error)) from error
