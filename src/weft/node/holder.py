"""The process that holds the namespaces of a mesh without root: it does nothing, and outlives everything but the mesh.

User, network and mount namespaces end with their last process. All of the mesh runs inside of the holder's; who is
outside gets in by its process id.
"""

import contextlib
import logging
from collections.abc import Callable
from typing import Final

from weft.node.launch import Launch, LaunchError, in_environment
from weft.node.marks import by_mounts, by_tag
from weft.node.processes import ProcessRecord, Running, adopt, is_alive
from weft.node.procfs import boot_id, namespace_inode, pids
from weft.node.remains import end_processes, marked_processes
from weft.node.settings import DEFAULT_SEARCH_PATH, NodeSettings
from weft.node.spawn import SystemLauncher
from weft.node.state import read_record, write_record
from weft.node.tools import ToolError, Tools, find_tools

_log: Final = logging.getLogger(__name__)

# The pins of network namespaces get a file system of their own. Where the machine has no folder for them, an ordinary
# user can't make it: then all of /run becomes one of his own, with everything mounted there that was in it.
_PREPARE: Final = """\
set -eu
old=$1
shift
if [ -d /run/netns ]; then
  mount -t tmpfs -o mode=0755 weft /run/netns
else
  mkdir "$old"
  mount --rbind /run "$old"
  mount -t tmpfs -o mode=0755 weft /run
  for path in "$old"/* "$old"/.[!.]*; do
    here=/run/${path##*/}
    if [ -L "$path" ]; then cp -P "$path" "$here"
    elif [ -d "$path" ]; then mkdir -p "$here"; mount --rbind "$path" "$here"
    elif [ -e "$path" ]; then : > "$here"; mount --bind "$path" "$here"
    fi
  done
  mkdir /run/netns
  umount --lazy "$old"
  rmdir "$old"
fi
ip link set lo up
echo 0 > /proc/sys/net/ipv4/ip_unprivileged_port_start
"""
_HOLD: Final = """\
echo ready >&2
read -r word
[ "$word" = go ]
exec "$@" < /dev/null 2>&1
"""
_NAMESPACES: Final = ("--user", "--map-root-user", "--net", "--mount", "--propagation", "private")
_IDLE: Final = ("sleep", "infinity")

_Begin = Callable[[Tools], list[str]]


class Namespaces:
    """The namespaces of one mesh, held by a process that its record in the state folder names."""

    def __init__(self, settings: NodeSettings) -> None:
        self._settings = settings
        self._record = settings.state.parent / "holder.json"
        self._old_run = settings.state.parent / "run"

    async def hold(self) -> Running:
        """The holder: that of a former start, another one in the same namespaces if that is gone, or one of new ones.

        Raises ToolError where namespaces can't be made.
        """
        former = read_record(self._record, ProcessRecord)
        if former is None:
            return await self._start(self._new_namespaces)
        if (process := adopt(former)) is not None:
            return process
        inside = _any_process_in(former)
        if inside is not None:
            _log.warning("the process that held the mesh's namespaces was killed: another one takes its place")
            return await self._start(lambda tools: [*enter(inside, tools), tools["sh"], "-c", _HOLD, "weft-holder"])
        if former.boot == boot_id():
            _log.warning("the mesh's namespaces are lost, as their last process was killed: all pods start anew")
            await self.end_members()
        return await self._start(self._new_namespaces)

    async def end_members(self) -> None:
        """Ends all that runs in the namespaces, and so these. First what would start others again, then the pods."""
        for process in marked_processes(by_tag(self._settings.mark)):
            process.kill_all()
            await process.wait()
        await end_processes(marked_processes(by_mounts(self._settings.mark)))

    def _new_namespaces(self, tools: Tools) -> list[str]:
        script = [tools["sh"], "-c", _PREPARE + _HOLD, "weft-holder", str(self._old_run)]
        return [tools["unshare"], *_NAMESPACES, "--", *script]

    async def _start(self, begin: _Begin) -> Running:
        tools = find_tools(self._settings.search_path, userns=True)
        launch = Launch(
            command=_IDLE,
            folder="/",
            user=None,
            group=None,
            hidden="",
            mark=self._settings.mark,
            environment=(("PATH", DEFAULT_SEARCH_PATH),),
            tag=f"{self._settings.mark}/holder",
        )
        launcher = SystemLauncher(tools, lambda given: [*begin(tools), *in_environment(given, tools, given.command)])
        log = self._settings.state.parent / "logs" / "holder.log"
        log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            return await launcher.start(launch, log, lambda record: write_record(self._record, record))
        except LaunchError as error:
            raise ToolError(f"namespaces can't be made: {error}") from error


def holder_pid(settings: NodeSettings) -> int:
    """The process that holds the namespaces of a mesh. Raises ToolError if there is none."""
    record = read_record(settings.state.parent / "holder.json", ProcessRecord)
    if record is None or not is_alive(record):
        raise ToolError("nobody holds the namespaces of the mesh")
    return record.pid


def enter(pid: int, tools: Tools) -> list[str]:
    """The beginning of a command that is to run in all namespaces of a process."""
    spaces = ["--preserve-credentials", "--user", "--net", "--mount"]
    return [tools["nsenter"], "--target", str(pid), *spaces, "--"]


def _any_process_in(former: ProcessRecord) -> int | None:
    """A process in the network and mount namespaces of one that has ended, and so in its user namespace."""
    if former.boot != boot_id() or former.network == namespace_inode("self", "net"):
        return None
    for pid in pids():
        with contextlib.suppress(OSError):
            inside = (namespace_inode(pid, "net"), namespace_inode(pid, "mnt"))
            if inside == (former.network, former.mounts):
                return pid
    return None
