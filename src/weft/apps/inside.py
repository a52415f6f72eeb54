"""`weft inside` and `weft forwarder`: what `weft up` keeps running without root, in the mesh's namespaces and before
them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from pathlib import Path
from typing import Any

import click

from weft.apps.children import end_with_parent
from weft.apps.endings import signals_call
from weft.apps.failures import mesh_failures
from weft.apps.supervisor import keep_inside
from weft.apps.up_options import up_options, up_options_in
from weft.cli.options import chosen_places, mesh_options
from weft.node.foreign_sockets import SocketMaker, socket_maker
from weft.node.forwarding import Forwarder, turn
from weft.node.holder import holder_pid
from weft.node.settings import node_settings

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@mesh_options
@up_options
@click.option("--parent", type=int, required=True, help="Process to end with.")
@click.pass_context
def inside(context: click.Context, /, **given: Any) -> int:
    """Keeps controller and node running in the mesh's namespaces, which it was started in."""
    end_with_parent(given["parent"])
    logging.basicConfig(level=logging.INFO, format=_FORMAT)
    with mesh_failures():
        return asyncio.run(keep_inside(up_options_in(given, chosen_places(context), given["isolation"]), _forever))


async def _forever() -> int:
    await asyncio.Event().wait()
    return 0


@click.command()
@mesh_options
@click.option("--address", required=True, help="Where it listens.")
@click.pass_context
def forwarder(context: click.Context, /, address: str) -> None:
    """Leads from outside to the ports that are open in the mesh's namespaces."""
    logging.basicConfig(level=logging.INFO, format=_FORMAT)
    places = chosen_places(context)
    with (
        turn(places.state / "forwarder.lock"),
        socket_maker(holder_pid(node_settings(places))) as maker,
        contextlib.suppress(FileNotFoundError, ConnectionError),
    ):
        asyncio.run(_forward(maker, address, places.forwards))


async def _forward(maker: SocketMaker, address: str, file: Path) -> None:
    work = asyncio.create_task(Forwarder(maker, address, file).run())
    with signals_call(work.cancel), contextlib.suppress(asyncio.CancelledError):
        await work
