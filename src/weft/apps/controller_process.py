"""The controller with the options of its command line."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import click

from weft.apps.assembly import gateway_addresses
from weft.apps.controller import ControllerOptions, run_controller
from weft.apps.families import loopback_addresses
from weft.apps.serving_limits import LimitError, ServingLimits, serving_limits
from weft.base.places import Places
from weft.node.addresses import MeshNetwork
from weft.node.settings import stored_isolation
from weft.sources.directory.ahead import ReadAhead


def run(places: Places, folder: Path, chosen: Mapping[str, Any], ahead: ReadAhead) -> None:
    """Runs the controller; `chosen` are the other options by name. Raises UsageError for a limit that is none."""
    network = MeshNetwork(chosen["namespace"], tuple(map(ip_network, chosen["pod_cidr"])))
    seconds = chosen["certificate_seconds"]
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
    asyncio.run(run_controller(options, ahead))


def _limits() -> ServingLimits:
    try:
        return serving_limits(os.environ)
    except LimitError as error:
        raise click.UsageError(str(error)) from error
