"""Running a command inside of a pod, and waiting for nothing but its end."""

import asyncio
from collections.abc import Sequence


async def run_quietly(vector: Sequence[str]) -> int:
    """Runs a command without input or output and returns its exit status; kills it if cancelled. Raises OSError."""
    nothing = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(*vector, stdin=nothing, stdout=nothing, stderr=nothing)
    try:
        return await process.wait()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
