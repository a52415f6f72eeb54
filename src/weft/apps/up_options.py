"""What a mesh can be told when it starts: as options of a command, as a value, and as a command line again."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import click
from msgspec import Struct

from weft.apps.families import families_in, families_option
from weft.base.families import Family
from weft.base.places import Places
from weft.model.local import Isolation
from weft.node.choice import AUTO, BEST_FIRST, Choice, IsolationError, Wanted, choose
from weft.node.isolation_probes import machine_probes
from weft.node.settings import stored_isolation

F = TypeVar("F", bound=Callable[..., Any])

ISOLATION_VARIABLE: Final = "WEFT_ISOLATION"
_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)


class UpOptions(Struct, frozen=True, kw_only=True):
    """What to run. `certificate_seconds` is the lifetime of workloads' certificates; None leaves the default.
    `families` are those of pods' addresses, the primary one first. With `keep` pods and state outlive us, as if we had
    been killed."""

    places: Places
    folder: Path
    isolation: Isolation = "netns"
    recursive: bool = False
    envoy: Path | None = None
    certificate_seconds: int | None = None
    gateway_address: str = "127.0.0.1"
    families: tuple[Family, ...] = ("IPv4",)
    keep: bool = False


isolation_option = click.option(
    "--isolation",
    type=click.Choice((AUTO, *BEST_FIRST)),
    default=lambda: os.environ.get(ISOLATION_VARIABLE) or AUTO,
    help=f"How pods are kept apart [default: auto, the best that works here; env: {ISOLATION_VARIABLE}].",
)


def up_options(command: F) -> F:
    """Adds all of them; `up_options_in` reads them."""
    for add in (
        families_option,
        click.option("--gateway-address", default="127.0.0.1", show_default=True, help="Where gateways listen."),
        click.option("--certificate-seconds", type=click.IntRange(min=5), help="Lifetime of workloads' certificates."),
        click.option("--envoy", type=_FILE, help="Envoy's binary."),
        isolation_option,
        click.option("-R", "--recursive", is_flag=True, help="Also read the folders below."),
    ):
        command = add(command)
    return command


def up_options_in(given: Mapping[str, Any], places: Places, isolation: Isolation) -> UpOptions:
    """The options as a value. `isolation` is what became of the one that was given."""
    return UpOptions(
        places=places,
        folder=given["folder"].absolute(),
        isolation=isolation,
        recursive=given["recursive"],
        envoy=given["envoy"],
        certificate_seconds=given["certificate_seconds"],
        gateway_address=given["gateway_address"],
        families=families_in(given["ip_families"]),
    )


def arguments_of(options: UpOptions) -> tuple[str, ...]:
    """The arguments that mean these options."""
    lifetime = options.certificate_seconds
    return (
        *(str(options.folder), "--mesh", options.places.mesh, "--state-dir", str(options.places.state)),
        *("--isolation", options.isolation),
        *("--gateway-address", options.gateway_address, "--ip-families", ",".join(options.families)),
        *(("--recursive",) if options.recursive else ()),
        *(("--envoy", str(options.envoy)) if options.envoy is not None else ()),
        *(("--certificate-seconds", str(lifetime)) if lifetime is not None else ()),
    )


def chosen_isolation(wanted: Wanted, places: Places) -> Choice:
    """The isolation that a mesh gets: that of what is left of a former start, else what is wanted, if it works here.

    Raises IsolationError.
    """
    if not places.node.exists():
        return choose(wanted, machine_probes())
    former = stored_isolation(places)
    if wanted not in (AUTO, former):
        raise IsolationError(f"mesh {places.mesh} was started with isolation {former}: `weft down` ends it first")
    return Choice(former)
