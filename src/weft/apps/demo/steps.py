"""What the demo does, while it does it: bars on a terminal, a line for each step elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TaskID, TextColumn
from rich.table import Column
from rich.text import Text

_BAR: Final = 16
_NAME: Final = 37


class Steps(Protocol):
    """Is told what is done. One step ends where the next one begins."""

    def begin(self, name: str, total: int = 1) -> None:
        """A step of `total` parts begins."""

    def advance(self, done: int, total: int | None = None, note: str = "") -> None:
        """So many parts are done; `note` says what is awaited."""

    def end(self) -> None:
        """The last step is done."""


@contextmanager
def shown_steps(console: Console) -> Iterator[Steps]:
    """Steps as they are best shown there. What is shown stays when the block ends."""
    if not console.is_terminal or console.is_dumb_terminal:
        yield _Lines(console)
        return
    spinner = "dots" if console.encoding.lower().startswith("utf") else "line"
    columns = (
        SpinnerColumn(spinner, finished_text="[green]ok[/]", table_column=_column(2)),
        TextColumn("{task.description}", markup=False, table_column=_column(_NAME)),
        BarColumn(_BAR, table_column=_column(_BAR)),
        TextColumn("{task.completed:.0f}/{task.total:.0f}", markup=False, table_column=_column(7, right=True)),
        _Seconds(table_column=_column(8, right=True)),
        TextColumn("{task.fields[note]}", style="dim", markup=False, table_column=Column(ratio=1, no_wrap=True)),
    )
    with Progress(*columns, console=console, expand=True) as progress:
        yield _Bars(progress)


def _column(width: int, *, right: bool = False) -> Column:
    return Column(width=width, no_wrap=True, justify="right" if right else "left")


class _Lines:
    """A line when a step is done, and where there is news of it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._started = time.monotonic()
        self._name = ""
        self._note = ""
        self._done, self._total = 0, 1

    def begin(self, name: str, total: int = 1) -> None:
        self.end()
        self._name, self._note, self._done, self._total = name, "", 0, total

    def advance(self, done: int, total: int | None = None, note: str = "") -> None:
        self._done, self._total = done, total or self._total
        if note and note != self._note:
            self._say(f"{self._name}: {done} of {self._total}, {note}")
            self._note = note

    def end(self) -> None:
        if self._name:
            self._say(f"{self._name}: {f'{self._total} of {self._total}' if self._total > 1 else 'done'}")
        self._name = ""

    def _say(self, text: str) -> None:
        self._console.print(f"{time.monotonic() - self._started:5.1f} s  {text}", markup=False, soft_wrap=True)


class _Bars:
    """A bar for each step."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: TaskID | None = None

    def begin(self, name: str, total: int = 1) -> None:
        self.end()
        self._task = self._progress.add_task(name, total=total, note="")

    def advance(self, done: int, total: int | None = None, note: str = "") -> None:
        if self._task is not None:
            self._progress.update(self._task, completed=done, total=total, note=note)

    def end(self) -> None:
        if self._task is not None:
            total = self._progress.tasks[-1].total
            self._progress.update(self._task, completed=total, note="")
        self._task = None


class _Seconds(ProgressColumn):
    """How long the step takes, or has taken."""

    def render(self, task: Task) -> Text:
        seconds = task.finished_time if task.finished_time is not None else task.elapsed
        return Text(f"{seconds or 0:5.1f} s", style="dim")
