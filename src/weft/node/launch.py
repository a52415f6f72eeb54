"""How a process is started inside of a pod: a chain of util-linux' small tools around a fixed script; pure.

nsenter -> unshare -> sh (mounts, then waits) -> setpriv -> env -> the application; each one replaces the one before, so
the process id stays. What comes from outside is passed as arguments and never read as shell text.

The script says `ready` on its standard error and waits for a word before it starts the application: first the process
is recorded, then it may go. If we die in between, it reads the end of the pipe and ends itself: no application runs
that no record names.
"""

import re
from typing import Final

from msgspec import Struct

from weft.node.namespaces import PINS
from weft.node.tools import Tools

READY: Final = b"ready\n"
GO: Final = b"go\n"

_SCRIPT: Final = """\
set -eu
umask 022
mark=$1 hidden=$2 namespaces=$3 folder=$4 seen=$5 hostname=$6
shift 6
while [ "$1" != -- ]; do mount --bind "$1" "$2"; shift 2; done
shift
cd "$folder"
for place in "$hidden" "$namespaces"; do
  mount -t tmpfs -o ro,nosuid,nodev,noexec,size=4k,mode=0755 "$mark" "$place"
done
if [ -n "$seen" ]; then mount --no-canonicalize --rbind . "$seen"; cd "$seen"; fi
if [ -n "$hostname" ]; then printf %s "$hostname" > /proc/sys/kernel/hostname; fi
ulimit -n "$(ulimit -Hn)"
echo ready >&2
read -r word
[ "$word" = go ]
exec "$@" < /dev/null 2>&1
"""

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
_HOSTNAME_LIMIT: Final = 63


class LaunchError(Exception):
    """A process could not be started; the message says what failed."""


class Launch(Struct, frozen=True, kw_only=True):
    """A process to start.

    `namespace` is the file of its network namespace (None: ours), `mounts` are pairs of a file here and the file in
    whose place the process sees it. `hidden` is a folder that it finds empty, as it does the one with the pins of
    network namespaces. It starts in `folder`, which it sees as `seen_as` if that is given. `capabilities` bounds what
    root may do; `kept` are those that it has although it is not root. `mark` is the source of its mounts, by which the
    processes of a mesh are known even if nothing else is left of it.
    """

    command: tuple[str, ...]
    folder: str
    user: int
    group: int
    hidden: str
    mark: str
    seen_as: str = ""
    environment: tuple[tuple[str, str], ...] = ()
    capabilities: tuple[str, ...] = CONTAINER_CAPABILITIES
    kept: tuple[str, ...] = ()
    namespace: str | None = None
    hostname: str = ""
    mounts: tuple[tuple[str, str], ...] = ()


def argument_vector(launch: Launch, tools: Tools) -> list[str]:
    """The whole chain. Raises LaunchError for what would be misread on the way."""
    enter = [tools["nsenter"], f"--net={launch.namespace}", "--"] if launch.namespace else []
    unshare = [tools["unshare"], "--mount", "--propagation", "slave", *(["--uts"] if launch.hostname else []), "--"]
    script = [tools["sh"], "-c", _SCRIPT, "weft-launch"]
    mounts = [path for pair in launch.mounts for path in pair]
    places = [launch.hidden, str(PINS), launch.folder, launch.seen_as]
    parameters = [launch.mark, *places, launch.hostname[:_HOSTNAME_LIMIT], *mounts, "--"]
    return [*enter, *unshare, *script, *parameters, *unprivileged(launch, tools, launch.command)]


def unprivileged(launch: Launch, tools: Tools, command: tuple[str, ...]) -> list[str]:
    """The end of the chain: gives up privileges, then runs a command in the process's own environment."""
    return [
        *[tools["setpriv"], "--reuid", str(launch.user), "--regid", str(launch.group), "--clear-groups"],
        "--no-new-privs",
        f"--bounding-set={_only(launch.capabilities + launch.kept)}",
        f"--inh-caps={_only(launch.kept)}",
        f"--ambient-caps={_only(launch.kept)}",
        *["--", tools["env"], "-i", *_assignments(launch.environment), *_checked(command)],
    ]


def _only(capabilities: tuple[str, ...]) -> str:
    """setpriv(1): none but these."""
    return ",".join(["-all", *(f"+{name}" for name in dict.fromkeys(capabilities))])


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
