"""Which ports the user of this process may open."""

import os
from pathlib import Path
from typing import Final

_FIRST_FREE_PORT: Final = 1024


def first_open_port() -> int:
    """The first port that an ordinary user may open (ip(7), ip_unprivileged_port_start)."""
    if os.geteuid() == 0:
        return 0
    try:
        return int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    except (OSError, ValueError):
        return _FIRST_FREE_PORT
