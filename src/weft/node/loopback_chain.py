"""How a process is started where there are no namespaces: a script in a session of its own; pure.

sh (waits) -> env -> the application; each one replaces the one before, so the process id stays. Whose a process is
tells its environment alone (`launch.TAG_VARIABLE`).
"""

from pathlib import Path
from typing import Final

from weft.node.launch import Launch, LaunchError, in_environment
from weft.node.processes import ProcessRecord
from weft.node.tools import Tools

_SCRIPT: Final = """\
set -eu
umask 022
folder=$1
shift
while [ "$1" != -- ]; do ln -sfn -- "$1" "$2"; shift 2; done
shift
cd "$folder"
ulimit -n "$(ulimit -Hn)"
echo ready >&2
read -r word
[ "$word" = go ]
exec "$@" < /dev/null 2>&1
"""

_INSIDE: Final = 'cd "$1" && shift && exec "$@"'


class LoopbackChain:
    """Implements `chain.Chain`."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def start(self, launch: Launch) -> list[str]:
        """As in `Chain`. What others see mounted is linked here: a process has nothing but its own folder for it."""
        _require_plain(launch)
        links = [path for pair in launch.mounts for path in pair]
        parameters = [launch.folder, *links, "--"]
        return [
            *[self._tools["sh"], "-c", _SCRIPT, "weft-launch", *parameters],
            *in_environment(launch, self._tools, launch.command),
        ]

    def execute(self, process: ProcessRecord, launch: Launch, command: tuple[str, ...]) -> list[str]:
        """As in `Chain`."""
        inside = in_environment(launch, self._tools, command)
        return [self._tools["sh"], "-c", _INSIDE, "weft-exec", launch.folder, *inside]


def _require_plain(launch: Launch) -> None:
    """Raises LaunchError for what takes namespaces or another user."""
    if launch.namespace or launch.user is not None or not launch.tag:
        raise LaunchError("without namespaces a process runs in our network, as our user, and has a tag")
    for _, target in launch.mounts:
        if not Path(target).is_relative_to(launch.folder):
            raise LaunchError(f"{target} can't be put in the place of the machine's own without namespaces")
