"""Removing what is left of pods that nobody keeps any more, by their records and the names of their networks."""

import asyncio
import shutil
import signal
from collections.abc import Sequence
from typing import Final

from weft.node.lifecycle import UnitRecord
from weft.node.marks import Recognize
from weft.node.networks import Networks
from weft.node.processes import ChildProcess, adopt
from weft.node.procfs import pids
from weft.node.state import PodFolder, read_record

GRACE: Final = 2.0
"""Seconds between SIGTERM and SIGKILL."""


def recorded_processes(folder: PodFolder) -> list[ChildProcess]:
    """The processes of a pod that still run."""
    files = [folder.proxy_record, *sorted(folder.root.glob("containers/*.json"))]
    records = (read_record(path, UnitRecord) for path in files)
    processes = (record.process for record in records if record)
    return [found for process in processes if process and (found := adopt(process))]


def marked_processes(recognize: Recognize) -> list[ChildProcess]:
    """All processes that are recognized as the mesh's, whether or not there is a record of them."""
    records = [record for pid in pids() if (record := recognize(pid))]
    return [process for record in records if (process := adopt(record))]


async def end_processes(processes: Sequence[ChildProcess], grace: float = GRACE) -> None:
    """Ends all of them together: SIGTERM, and SIGKILL for what is left after `grace` seconds."""
    endings = [asyncio.ensure_future(process.wait()) for process in processes]
    if not endings:
        return
    for process in processes:
        process.signal(signal.SIGTERM)
    await asyncio.wait(endings, timeout=grace)
    for process in processes:
        process.kill_all()
    await asyncio.wait(endings, timeout=grace)


async def clear_remains(folder: PodFolder, networks: Networks) -> None:
    """Ends and removes all that there is of one pod. Raises ToolError or OSError."""
    await end_processes(recorded_processes(folder))
    await networks.remove_pod(folder.root.name)
    shutil.rmtree(folder.root, ignore_errors=True)
