"""How a process is started in namespaces of its own, and entered there: by a chain of util-linux' small tools around a
fixed script; pure but for a look at which user namespace we are in.

nsenter -> unshare -> sh (mounts, then waits) -> setpriv -> env -> the application; each one replaces the one before, so
the process id stays.
"""

from typing import Final

from weft.node.launch import Launch, in_environment
from weft.node.namespaces import PINS
from weft.node.processes import ProcessRecord
from weft.node.procfs import namespace_inode
from weft.node.tools import Tools

# Without root, /proc/sys/kernel/hostname may not be written even in an UTS namespace of one's own; sethostname(2) may.
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
if [ -n "$hostname" ]; then
  { printf %s "$hostname" > /proc/sys/kernel/hostname; } 2>/dev/null || hostname "$hostname"
fi
ulimit -n "$(ulimit -Hn)"
echo ready >&2
read -r word
[ "$word" = go ]
exec "$@" < /dev/null 2>&1
"""

_INSIDE: Final = 'cd "$1" && shift && exec "$@"'
_HOSTNAME_LIMIT: Final = 63


class NamespaceChain:
    """Implements `chain.Chain`."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def start(self, launch: Launch) -> list[str]:
        """As in `Chain`."""
        tools = self._tools
        enter = [tools["nsenter"], f"--net={launch.namespace}", "--"] if launch.namespace else []
        hostname = ["--uts"] if launch.hostname else []
        unshare = [tools["unshare"], "--mount", "--propagation", "slave", *hostname, "--"]
        script = [tools["sh"], "-c", _SCRIPT, "weft-launch"]
        mounts = [path for pair in launch.mounts for path in pair]
        places = [launch.hidden, str(PINS), launch.folder, launch.seen_as]
        parameters = [launch.mark, *places, launch.hostname[:_HOSTNAME_LIMIT], *mounts, "--"]
        return [*enter, *unshare, *script, *parameters, *self._unprivileged(launch, launch.command)]

    def execute(self, process: ProcessRecord, launch: Launch, command: tuple[str, ...]) -> list[str]:
        """As in `Chain`."""
        tools = self._tools
        hostname = ["--uts"] if launch.hostname else []
        spaces = [*_user_namespace(process.pid), "--mount", "--net", *hostname]
        script = [tools["sh"], "-c", _INSIDE, "weft-exec", launch.folder]
        enter = [tools["nsenter"], "--target", str(process.pid), *spaces, "--"]
        return [*enter, *script, *self._unprivileged(launch, command)]

    def _unprivileged(self, launch: Launch, command: tuple[str, ...]) -> list[str]:
        """The end of the chain: gives up privileges, then runs a command in the process's own environment."""
        user, group = str(launch.user), str(launch.group)
        identity = [] if launch.user is None else ["--reuid", user, "--regid", group, "--clear-groups"]
        return [
            *[self._tools["setpriv"], *identity, "--no-new-privs"],
            f"--bounding-set={_only(launch.capabilities + launch.kept)}",
            f"--inh-caps={_only(launch.kept)}",
            f"--ambient-caps={_only(launch.kept)}",
            *["--", *in_environment(launch, self._tools, command)],
        ]


def _user_namespace(pid: int) -> list[str]:
    """Who looks on from outside enters the user namespace too; nobody can enter the one that he is in (setns(2)). A
    process that has gone is left to nsenter to complain of."""
    try:
        is_ours = namespace_inode(pid, "user") == namespace_inode("self", "user")
    except OSError:
        is_ours = True
    return [] if is_ours else ["--user", "--preserve-credentials"]


def _only(capabilities: tuple[str, ...]) -> str:
    """setpriv(1): none but these."""
    return ",".join(["-all", *(f"+{name}" for name in dict.fromkeys(capabilities))])
