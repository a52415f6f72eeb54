"""How ports of a workload take mutual TLS (I5). Pure."""

from collections.abc import Iterable
from typing import Final

from weft.ir.access import Authentication, MutualMode
from weft.ir.settings import WorkloadClass
from weft.mesh.access.coverage import age, covers

_LEVELS: Final = ("workloads", "namespace", "mesh")
_STRICTNESS: Final[tuple[MutualMode, ...]] = ("off", "accept", "require")


def mutual_mode(fragments: Iterable[Authentication], server: WorkloadClass, port: int | None) -> MutualMode:
    """The mode of a workload's port; None asks for the ports that no fragment names.

    The narrowest target that states a mode decides, the oldest object alone at one level, and one that states none
    inherits; without any, both are accepted. Of kinds of different dialects the strictest counts.
    """
    by_kind: dict[str, list[Authentication]] = {}
    for each in fragments:
        if covers(each.target, server):
            by_kind.setdefault(each.source.kind, []).append(each)
    modes = [mode for mode in (_mode_of_kind(found, port) for found in by_kind.values()) if mode is not None]
    return max(modes, key=_STRICTNESS.index, default="accept")


def ports_with_modes(fragments: Iterable[Authentication], server: WorkloadClass) -> tuple[int, ...]:
    """The ports that some fragment in force names, sorted: their mode may differ from that of all others."""
    return tuple(sorted({each.port for each in fragments if each.port is not None and covers(each.target, server)}))


def _mode_of_kind(found: list[Authentication], port: int | None) -> MutualMode | None:
    for level in _LEVELS:
        here = [each for each in found if each.target.kind == level]
        oldest = min((age(each.source) for each in here), default=None)
        stated = {each.port: each.mutual for each in here if age(each.source) == oldest and each.mutual is not None}
        mode = stated.get(port, stated.get(None))
        if mode is not None:
            return mode
    return None
