"""Removing what is left of pods that nobody keeps any more, by their records and the names of their networks."""

import asyncio
import contextlib
import shutil
import signal
from collections.abc import Sequence
from typing import Final

from weft.node.lifecycle import UnitRecord
from weft.node.podnet import remove_pod_network
from weft.node.processes import ChildProcess, adopt, record_of
from weft.node.procfs import mount_sources, pids
from weft.node.state import PodFolder, read_record
from weft.node.tools import Tools

GRACE: Final = 2.0
"""Seconds between SIGTERM and SIGKILL."""


def recorded_processes(folder: PodFolder) -> list[ChildProcess]:
    """The processes of a pod that still run."""
    files = [folder.proxy_record, *sorted(folder.root.glob("containers/*.json"))]
    records = (read_record(path, UnitRecord) for path in files)
    processes = (record.process for record in records if record)
    return [found for process in processes if process and (found := adopt(process))]


def marked_processes(mark: str) -> list[ChildProcess]:
    """All processes with this mark on their mounts, whether or not there is a record of them."""
    found = []
    for pid in pids():
        with contextlib.suppress(OSError):
            record = record_of(pid)
            if mark in mount_sources(pid) and (process := adopt(record)):
                found.append(process)
    return found


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


async def clear_remains(folder: PodFolder, hub: str, tools: Tools) -> None:
    """Ends and removes all that there is of one pod. Raises ToolError or OSError."""
    await end_processes(recorded_processes(folder))
    await remove_pod_network(hub, folder.root.name, tools)
    shutil.rmtree(folder.root, ignore_errors=True)
