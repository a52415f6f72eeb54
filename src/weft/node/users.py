"""The one user that all processes belong to where there is no root."""

import os
import pwd
from pathlib import Path
from typing import Final

from msgspec import Struct

_PROC: Final = Path("/proc/self")


class Account(Struct, frozen=True):
    """The numbers of a user and of his group, as the machine knows them."""

    user: int
    group: int

    @property
    def home(self) -> str:
        """His home folder, as far as the machine knows it."""
        return home_of(self.user)


def own_account() -> Account:
    """Our own user. In his own user namespace he looks like root."""
    user = outside(os.getuid(), (_PROC / "uid_map").read_text())
    return Account(user, outside(os.getgid(), (_PROC / "gid_map").read_text()))


def outside(number: int, number_map: str) -> int:
    """The number that a user or group of ours has in the user namespace above, by a map (user_namespaces(7)): lines of
    first number here, first number there, and how many."""
    for line in number_map.splitlines():
        here, there, count = map(int, line.split())
        if here <= number < here + count:
            return there + number - here
    return number


def home_of(user: int) -> str:
    """The home folder of a user; `/` if the machine does not know him."""
    try:
        return pwd.getpwuid(user).pw_dir
    except KeyError:
        return "/"
