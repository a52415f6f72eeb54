"""Runs a command as an ordinary user who can make no user namespaces: `python unprivileged.py UID COMMAND...`, as root.

That is what a hardened machine, or a container, leaves to a user. The setting that forbids it (user_namespaces(7),
/proc/sys/user/max_user_namespaces) belongs to the user namespace that it is written in: here to one of our own, in
which all users have their usual numbers. Runs in a mount namespace of its own: an interpreter in a closed home is
mounted where the user gets at it.
"""

import ctypes
import os
import subprocess
import sys
import tempfile
from pathlib import Path

_NEW_USER_NAMESPACE = 0x10000000  # CLONE_NEWUSER, linux/sched.h
_ALL = "0 0 4294967295\n"


def main(user: int, command: list[str]) -> None:
    """Becomes the command."""
    for place in (Path(sys.base_prefix), Path(sys.prefix), Path(__file__).parents[3]):
        _open(place)
    _enter_user_namespace()
    Path("/proc/sys/user/max_user_namespaces").write_text("0")
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)
    os.execvp(command[0], command)


def _open(place: Path) -> None:
    """Puts a folder with nothing but the place in it over the outermost closed one on the way there."""
    closed = [parent for parent in reversed(place.parents) if not parent.stat().st_mode & 0o001]
    if not closed:
        return
    aside = tempfile.mkdtemp()
    subprocess.run(["mount", "--bind", place, aside], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0755", "weft-tests", closed[0]], check=True)
    place.mkdir(parents=True)
    subprocess.run(["mount", "--move", aside, place], check=True)
    os.rmdir(aside)


def _enter_user_namespace() -> None:
    """A new namespace for this process; only one that is still outside may write the whole map."""
    parent = os.getpid()
    entered, tell_entered = os.pipe()
    helper = os.fork()
    if helper == 0:
        os.read(entered, 1)
        for name in ("uid_map", "gid_map"):
            Path(f"/proc/{parent}/{name}").write_text(_ALL)
        os._exit(0)
    library = ctypes.CDLL(None, use_errno=True)
    if library.unshare(_NEW_USER_NAMESPACE):
        number = ctypes.get_errno()
        os.kill(helper, 9)
        raise OSError(number, os.strerror(number))
    os.write(tell_entered, b".")
    _, status = os.waitpid(helper, 0)
    if status:
        raise SystemExit("the users of the namespace can't be mapped")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
