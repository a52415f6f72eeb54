"""Running a command inside of a pod's namespaces, in the environment of one of its containers."""

import asyncio
from typing import Final

from weft.node.launch import Launch, unprivileged
from weft.node.processes import ProcessRecord
from weft.node.tools import Tools

_SCRIPT: Final = 'cd "$1" && shift && exec "$@"'


def exec_vector(process: ProcessRecord, launch: Launch, command: tuple[str, ...], tools: Tools) -> list[str]:
    """The argument vector that runs `command` as the process runs: same namespaces, user, environment and folder.

    The caller has seen to it that the process still runs. Raises LaunchError for a command that would be misread.
    """
    hostname = ["--uts"] if launch.hostname else []
    enter = [tools["nsenter"], "--target", str(process.pid), "--mount", "--net", *hostname, "--"]
    script = [tools["sh"], "-c", _SCRIPT, "weft-exec", launch.folder]
    return [*enter, *script, *unprivileged(launch, tools, command)]


async def run_quietly(vector: list[str]) -> int:
    """Runs a command without input or output and returns its exit status; kills it if cancelled. Raises OSError."""
    nothing = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(*vector, stdin=nothing, stdout=nothing, stderr=nothing)
    try:
        return await process.wait()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
