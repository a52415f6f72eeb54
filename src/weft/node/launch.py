"""A process to start in a pod, as a value, and what every chain of programs that starts one has in common; pure.

What comes from outside is passed as arguments and never read as shell text. The chain says `ready` on its standard
error and waits for a word before it starts the application: first the process is recorded, then it may go. If we die in
between, it reads the end of the pipe and ends itself: no application runs that no record names.
"""

import re
from typing import Final

from msgspec import Struct

from weft.node.procfs import TAG_VARIABLE
from weft.node.tools import Tools

READY: Final = b"ready\n"
GO: Final = b"go\n"

CONTAINER_CAPABILITIES: Final = (
    "audit_write",
    "chown",
    "dac_override",
    "fowner",
    "fsetid",
    "kill",
    "net_bind_service",
    "net_raw",
    "setfcap",
    "setgid",
    "setpcap",
    "setuid",
    "sys_chroot",
)
"""What root keeps in a container by default (containerd, Docker), but mknod, which no device cgroup holds back here."""

_VARIABLE: Final = re.compile(r"[A-Za-z_.][-A-Za-z0-9_.]*")


class LaunchError(Exception):
    """A process could not be started; the message says what failed."""


class Launch(Struct, frozen=True, kw_only=True):
    """A process to start.

    `namespace` is the file of its network namespace (None: ours), `mounts` are pairs of a file here and the file in
    whose place the process sees it. `hidden` is a folder that it finds empty, as it does the one with the pins of
    network namespaces. It starts in `folder`, which it sees as `seen_as` if that is given. `capabilities` bounds what
    root may do; `kept` are those that it has although it is not root. `mark` is the source of its mounts, by which the
    processes of a mesh are known even if nothing else is left of it. `user` None starts it as the user that we are.
    `tag` is its value of TAG_VARIABLE, by which it and its descendants are known if they have no mounts of their own.
    """

    command: tuple[str, ...]
    folder: str
    user: int | None
    group: int | None
    hidden: str
    mark: str
    seen_as: str = ""
    environment: tuple[tuple[str, str], ...] = ()
    capabilities: tuple[str, ...] = CONTAINER_CAPABILITIES
    kept: tuple[str, ...] = ()
    namespace: str | None = None
    hostname: str = ""
    mounts: tuple[tuple[str, str], ...] = ()
    tag: str = ""


def in_environment(launch: Launch, tools: Tools, command: tuple[str, ...]) -> list[str]:
    """The end of every chain: a command in the process's own environment and no other. Raises LaunchError."""
    tag = ((TAG_VARIABLE, launch.tag),) if launch.tag else ()
    return [tools["env"], "-i", *_assignments(launch.environment + tag), *_checked(command)]


def _assignments(environment: tuple[tuple[str, str], ...]) -> list[str]:
    for name, _ in environment:
        if not _VARIABLE.fullmatch(name):
            raise LaunchError(f"{name!r} can't be the name of an environment variable")
    return [f"{name}={value}" for name, value in environment]


def _checked(command: tuple[str, ...]) -> tuple[str, ...]:
    """The command itself, if env(1) does not take its first word for a variable or an option."""
    if not command or not command[0] or "=" in command[0] or command[0].startswith("-"):
        raise LaunchError(f"{command!r} can't be run: a program's name may not be empty, have a = or start with -")
    if any("\0" in word for word in command):
        raise LaunchError("a command can't have a zero byte")
    return command
