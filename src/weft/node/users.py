"""The one user that all processes belong to where there is no root."""

import os
from pathlib import Path
from typing import Final

_MAP: Final = Path("/proc/self/uid_map")


def own_user() -> int:
    """The number of our own user, as the machine knows him: inside of his own user namespace he looks like root."""
    return outside(os.getuid(), _MAP.read_text())


def outside(user: int, uid_map: str) -> int:
    """The number that a user of ours has in the user namespace above, by a map (user_namespaces(7)): lines of first
    number here, first number there, and how many."""
    for line in uid_map.splitlines():
        here, there, count = map(int, line.split())
        if here <= user < here + count:
            return there + user - here
    return user
