"""Taking a pod out of traffic before its processes end."""

import asyncio
import logging
from typing import Final

from weft.model.local import ProxyOrder
from weft.node.admin import EnvoyAdmin
from weft.node.http import HttpError

_log: Final = logging.getLogger(__name__)

_LEAST: Final = 1.0
"""Seconds in which clients learn that the pod is going: so long it may look idle and still get a new connection."""
_INTERVAL: Final = 0.2


async def drain(admin: EnvoyAdmin, proxy: ProxyOrder) -> None:
    """Asks Envoy to send its clients away and waits until they are gone, at most for the drain time of the order.

    A sidecar drains only what comes in: the application still needs the way out. An Envoy that does not answer has no
    clients to wait for.
    """
    loop = asyncio.get_running_loop()
    begin, patience = loop.time(), proxy.drain / 1_000
    port = proxy.redirect.inbound_port if proxy.redirect else None
    try:
        async with asyncio.timeout(patience):
            await admin.drain(inbound_only=port is not None)
            while True:
                idle = await admin.active_connections(port) == 0
                if idle and loop.time() >= begin + _LEAST:
                    return
                await asyncio.sleep(_INTERVAL)
    except TimeoutError:
        _log.info("clients are still connected after %.1f s", patience)
    except (OSError, HttpError) as error:
        _log.info("Envoy could not be drained: %s", error)
