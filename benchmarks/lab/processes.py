"""What the kernel says of processes, and commands in the network of one."""

import os
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, Self

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


class Command:
    """A running command; it is ended with the block that it is used in."""

    def __init__(self, words: Sequence[str]) -> None:
        self._words = words
        self._process = subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def output(self, limit: float) -> str:
        """Returns what it writes until it ends. Raises CommandError if it fails, or takes more than `limit` seconds."""
        try:
            text, _ = self._process.communicate(timeout=limit)
        except subprocess.TimeoutExpired as error:
            raise CommandError(f"{' '.join(self._words)} took longer than {limit:.0f} s") from error
        if self._process.returncode != 0:
            raise CommandError(f"{' '.join(self._words)} failed:\n{text}")
        return text
