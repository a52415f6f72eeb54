"""The ports of this machine that the demo's gateway listens on: whether they are free."""

from __future__ import annotations

import socket
from typing import Final

from weft.apps.assembly import LOOPBACK
from weft.cli.errors import Failure, Misuse
from weft.model.local import Isolation

PROXY_PORTS: Final = {"0.0.0.0": (15021, 15090), "127.0.0.1": (15000,)}
"""Ports of a gateway's Envoy besides its own: health, metrics, and what may be read of its admin interface."""

_EVERYWHERE: Final = "0.0.0.0"
_HIGHEST: Final = 65535


def require_free(port: int, isolation: Isolation = "netns") -> None:
    """Raises Failure, with who may have it and what to do, unless the gateway can have this port and Envoy its own.

    Envoy's own ports are the machine's only where gateways share its addresses.
    """
    if any(port in ports for ports in PROXY_PORTS.values()):
        raise Misuse(f"port {port} is one of Envoy's own", hint="choose another one with --port")
    if is_taken(port, _EVERYWHERE if isolation == "netns" else LOOPBACK):
        hint = f"`weft demo --port {_next_free(port)}` takes another one; `ss -ltnp sport = :{port}` shows who has it"
        raise Failure(f"port {port} of this machine is taken, and the demo's gateway would listen there", hint=hint)
    for address, ports in PROXY_PORTS.items() if isolation == "netns" else ():
        for own in ports:
            if is_taken(own, address):
                hint = f"`ss -ltnp sport = :{own}` shows who has it: probably the gateway of another mesh"
                raise Failure(f"port {own} of this machine is taken, and the demo's gateway needs it", hint=hint)


def is_taken(port: int, address: str = _EVERYWHERE) -> bool:
    """Whether somebody listens on the port, or we may not. What waits for the end of old connections is not taken."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return True
    return False


def _next_free(port: int) -> int:
    return next((other for other in range(port + 1, _HIGHEST) if not is_taken(other)), port)
