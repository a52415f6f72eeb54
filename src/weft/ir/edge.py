"""Proxies at an edge of the mesh and their listeners."""

from typing import Literal

from msgspec import Struct

from weft.base.provenance import Provenance
from weft.ir.values import Protocol, Selector, Target, Tls


class Gateway(Struct, frozen=True):
    """A set of proxies at an edge; also an L7 proxy in front of services."""

    source: Provenance
    role: Literal["edge", "front", "between_networks"]
    workloads: Selector


class Listener(Struct, frozen=True):
    """One port of a gateway and the hosts that it serves.

    `hosts` are patterns with the namespace whose routes may bind: `namespace/host` or `*/host`. `name` is unique within
    the gateway. `protocol` is what routes see: with a terminating `tls` what is inside it, with a passing one `tls`.
    """

    source: Provenance
    gateway: Target
    name: str
    port: int
    protocol: Protocol
    hosts: tuple[str, ...]
    bind: str = ""
    tls: Tls | None = None
    https_redirect: bool = False
