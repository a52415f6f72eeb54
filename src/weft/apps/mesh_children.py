"""The processes that `weft up` keeps running, each with its command line."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from weft.apps.children import Child
from weft.apps.up_options import UpOptions, arguments_of
from weft.base.places import Places
from weft.node.addresses import MeshNetwork


def controller_child(options: UpOptions, network: MeshNetwork) -> Child:
    """The controller of a mesh."""
    lifetime = options.certificate_seconds
    command = (
        *_weft(options.places, "controller"),
        *("--folder", str(options.folder), "--namespace", network.namespace),
        *(argument for cidr in network.cidrs for argument in ("--pod-cidr", str(cidr))),
        *("--gateway-address", options.gateway_address),
        *(("--recursive",) if options.recursive else ()),
        *(("--certificate-seconds", str(lifetime)) if lifetime is not None else ()),
    )
    return _child(options, "controller", command)


def node_child(options: UpOptions) -> Child:
    """The node process of a mesh."""
    envoy = ("--envoy", str(options.envoy)) if options.envoy is not None else ()
    families = ("--ip-families", ",".join(options.families))
    return _child(options, "node", (*_weft(options.places, "node"), *envoy, *families))


def inside_child(options: UpOptions, enter: Callable[[], tuple[str, ...]]) -> Child:
    """What keeps controller and node in namespaces that are entered by a command beginning with `enter`, which is asked
    at each start."""
    program = (sys.executable, "-m", "weft.apps.main", "inside", *arguments_of(options), "--parent", str(os.getpid()))
    log = options.places.state / "logs" / "inside.log"
    return Child("inside", lambda: (*enter(), *program), log, vital=True)


def forwarder_child(options: UpOptions) -> Child:
    """What leads from outside into those namespaces. It does not end with us, as pods don't."""
    place = ("--mesh", options.places.mesh, "--state-dir", str(options.places.state))
    command = (sys.executable, "-m", "weft.apps.main", "forwarder", *place, "--address", options.gateway_address)
    return _child(options, "forwarder", command)


def _child(options: UpOptions, name: str, command: tuple[str, ...]) -> Child:
    return Child(name, lambda: command, options.places.state / "logs" / f"{name}.log")


def _weft(places: Places, command: str) -> tuple[str, ...]:
    place = ("--mesh", places.mesh, "--state-dir", str(places.state))
    return (sys.executable, "-m", "weft.apps.main", command, *place, "--parent", str(os.getpid()))
