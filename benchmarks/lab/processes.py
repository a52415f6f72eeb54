"""What the kernel says of processes, and commands in the network of one."""

import os
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_USER_TIME: Final = 11
_SYSTEM_TIME: Final = 12
"""Places of utime and stime among the fields after the command's name (proc_pid_stat(5))."""


class CommandError(Exception):
    """A command of the benchmark failed; the message holds its output."""


def cpu_seconds(pids: Iterable[int]) -> float:
    """Returns the processor time that processes have used so far, in user and in kernel mode."""
    return sum(_ticks(Path(f"/proc/{pid}/stat").read_text()) for pid in pids) / _TICKS


def _ticks(stat: str) -> int:
    fields = stat.rpartition(")")[2].split()
    return int(fields[_USER_TIME]) + int(fields[_SYSTEM_TIME])


def in_network(pid: int, command: Sequence[str]) -> list[str]:
    """Returns the command that runs another one in the network namespace of a process."""
    return ["nsenter", f"--net=/proc/{pid}/ns/net", "--", *command]


def output(command: Sequence[str], limit: float) -> str:
    """Returns what a command writes. Raises CommandError if it fails, or takes longer than `limit` seconds."""
    try:
        result = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=limit, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise CommandError(f"{' '.join(command)} took longer than {limit:.0f} s") from error
    if result.returncode != 0:
        raise CommandError(f"{' '.join(command)} failed:\n{result.stdout}")
    return result.stdout
