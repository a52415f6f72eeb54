"""The logs of the mesh's own processes, read to their end even after the files are gone."""

from pathlib import Path
from typing import IO, Final

NACK: Final = "xds-nack"
_BAD: Final = ("Traceback (most recent call last)", "this is an error in Weft itself")


class LogWatch:
    """Follows one log. It must be opened while the file is there; what was deleted can still be read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[str] | None = None
        self._lines: list[str] = []

    def lines(self) -> list[str]:
        """All lines so far."""
        if self._file is None and self.path.exists():
            self._file = self.path.open(errors="replace")
        if self._file is not None:
            self._lines += self._file.read().splitlines()
        return self._lines

    def nacks(self) -> list[str]:
        """The configuration that an Envoy refused."""
        return [line for line in self.lines() if NACK in line]

    def errors(self) -> list[str]:
        """What only a defect of Weft writes: tracebacks, with the lines that follow."""
        lines = self.lines()
        starts = [number for number, line in enumerate(lines) if any(text in line for text in _BAD)]
        return [line for start in starts[:3] for line in lines[start : start + 40]]

    def close(self) -> None:
        """Lets go of the file."""
        if self._file is not None:
            self._file.close()
