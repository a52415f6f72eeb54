"""A machine on which no user namespaces can be made: says `ready`, and keeps it until its standard input ends.

That is what a hardened machine, or a container, leaves to a user. The setting that forbids it (user_namespaces(7),
/proc/sys/user/max_user_namespaces) belongs to the user namespace that it is written in: here to one of our own. Its
argument is the map of users there (user_namespaces(7), /proc/PID/uid_map). Only root can have more than himself there.
"""

import ctypes
import os
import signal
import sys
from pathlib import Path

_NEW_USER_NAMESPACE = 0x10000000  # CLONE_NEWUSER, linux/sched.h


def main() -> None:
    enter_user_namespace(sys.argv[1])
    Path("/proc/sys/user/max_user_namespaces").write_text("0")
    print("ready", flush=True)
    sys.stdin.read()


def enter_user_namespace(users: str) -> None:
    """Puts this process into a new one with this map. Only a process that is still outside may write the whole map."""
    parent = os.getpid()
    entered, tell_entered = os.pipe()
    helper = os.fork()
    if helper == 0:
        os.read(entered, 1)
        if os.geteuid() != 0:
            Path(f"/proc/{parent}/setgroups").write_text("deny")
        for name in ("uid_map", "gid_map"):
            Path(f"/proc/{parent}/{name}").write_text(f"{users}\n")
        os._exit(0)
    library = ctypes.CDLL(None, use_errno=True)
    if library.unshare(_NEW_USER_NAMESPACE):
        number = ctypes.get_errno()
        os.kill(helper, signal.SIGKILL)
        raise OSError(number, os.strerror(number))
    os.write(tell_entered, b".")
    _, status = os.waitpid(helper, 0)
    if status:
        raise SystemExit("the users of the namespace can't be mapped")


if __name__ == "__main__":
    main()
