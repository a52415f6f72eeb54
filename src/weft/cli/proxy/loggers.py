"""`proxy-config log`: what to ask of Envoy's `/logging`
(https://www.envoyproxy.io/docs/envoy/latest/operations/admin#post--logging).
"""

import re
from typing import Final

LEVELS: Final = ("trace", "debug", "info", "warning", "error", "critical", "off")
DEFAULT_LEVEL: Final = "warning"

_LOGGER: Final = re.compile(r"[a-z0-9_]+")
_ALL: Final = "all"


def queries(levels: str) -> list[str]:
    """The queries that set levels given as `level` (for all loggers) or `logger:level`, separated by commas.

    What holds for all comes first, so that it does not undo the rest. Raises ValueError.
    """
    pairs = [_pair(item.strip()) for item in levels.split(",")]
    whole = [f"level={level}" for name, level in pairs if name == _ALL]
    single = ",".join(f"{name}:{level}" for name, level in pairs if name != _ALL)
    return [*whole, *([f"paths={single}"] if single else [])]


def _pair(item: str) -> tuple[str, str]:
    name, _, level = item.rpartition(":")
    if level not in LEVELS:
        raise ValueError(f"{level!r} is no level: use one of {', '.join(LEVELS)}")
    if name and not _LOGGER.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a logger: `weft proxy-config log POD` lists them")
    return name or _ALL, level
