"""What the node asks of an Envoy, by its admin socket (https://www.envoyproxy.io/docs/envoy/latest/operations/admin)."""

import re
from pathlib import Path
from typing import Final
from urllib.parse import quote

from weft.node.http import Call, HttpError
from weft.node.unix_http import ask

_CONNECTIONS: Final = re.compile(r"^listener\.(?P<listener>.+)\.downstream_cx_active: (?P<count>\d+)$", re.MULTILINE)
_OWN_PORTS: Final = ("15000", "15020", "15021", "15090")
"""Listeners for probes and metrics: their connections are no reason to wait."""


class EnvoyAdmin:
    """One Envoy's admin interface."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    async def drain(self, *, inbound_only: bool) -> None:
        """Begins a graceful drain: connections are ended as their requests end. Raises HttpError or OSError."""
        which = "inboundonly&graceful" if inbound_only else "graceful"
        answer = await ask(self._socket, Call(method="POST", target=f"/drain_listeners?{which}"))
        if answer.status != 200:
            raise HttpError(f"drain_listeners: status {answer.status}")

    async def active_connections(self, port: int | None) -> int | None:
        """How many clients are connected to the listener on `port`, or to all (None).

        None if there is no such listener, so that nobody takes the unknown for zero. Raises HttpError or OSError.
        """
        pattern = quote(r"^listener\..+\.downstream_cx_active$")
        answer = await ask(self._socket, Call(target=f"/stats?filter={pattern}"))
        return count_connections(answer.body.decode(errors="replace"), port)


def count_connections(stats: str, port: int | None) -> int | None:
    """The sum in the text of /stats over the listeners that are meant; None if there is none of them.

    Listeners are named by their address, as `0.0.0.0_15006`; the lines of single workers are left out.
    """
    counts = {match["listener"]: int(match["count"]) for match in _CONNECTIONS.finditer(stats)}
    meant = [count for listener, count in counts.items() if _is_meant(listener, port)]
    return sum(meant) if meant else None


def _is_meant(listener: str, port: int | None) -> bool:
    own = listener.rpartition("_")[2]
    if ".worker_" in listener or not own.isdigit():
        return False
    return own not in _OWN_PORTS if port is None else own == str(port)
