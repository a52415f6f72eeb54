"""Durable state of one process: small named tables of bytes in one SQLite file.

SQLite instead of a file per value: a change of many values is one atomic transaction, and costs what changed.
"""

import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from pathlib import Path
from typing import Final, Protocol

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS entries (tab TEXT, key TEXT, value BLOB, PRIMARY KEY (tab, key)) WITHOUT ROWID
"""


class Tables(Protocol):
    """What users of a state store need of it."""

    def load(self, table: str) -> dict[str, bytes]:
        """All entries of a table."""

    def get(self, table: str, key: str) -> bytes | None:
        """One entry."""

    def write(self, table: str, changes: Mapping[str, bytes | None]) -> None:
        """Sets entries, and removes those that are None, all or none of them."""

    def together(self) -> AbstractContextManager[None]:
        """All that is written inside is one write: as atomic as one, and for the price of one. May be nested."""


class StateStore:
    """`Tables` in a file of mode 0600. A write survives the end of the process, and a power cut leaves old or new.

    A file that is no such database is moved aside, so that a mesh starts from its configuration alone: see `recovered`.
    May be used by several threads.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._together = False
        self._written: dict[tuple[str, str], bytes | None] = {}
        self.recovered: Path | None = None
        try:
            self._connection = _open(path)
        except sqlite3.DatabaseError:
            self.recovered = path.with_suffix(".damaged")
            path.replace(self.recovered)
            for leftover in (f"{path}-wal", f"{path}-shm"):
                Path(leftover).unlink(missing_ok=True)
            self._connection = _open(path)

    def load(self, table: str) -> dict[str, bytes]:
        """All entries of a table."""
        with self._lock:
            self._flush()
            return dict(self._connection.execute("SELECT key, value FROM entries WHERE tab = ?", (table,)))

    def get(self, table: str, key: str) -> bytes | None:
        """One entry, None where there is none."""
        query = "SELECT value FROM entries WHERE tab = ? AND key = ?"
        with self._lock:
            if (table, key) in self._written:
                return self._written[table, key]
            row: tuple[bytes] | None = self._connection.execute(query, (table, key)).fetchone()
        return row[0] if row else None

    def write(self, table: str, changes: Mapping[str, bytes | None]) -> None:
        """Sets entries, and removes those that are None, all or none of them."""
        with self.together():
            self._written.update(((table, key), value) for key, value in changes.items())

    @contextmanager
    def together(self) -> Iterator[None]:
        """As in `Tables`. Other threads wait."""
        with self._lock:
            if self._together:
                yield
                return
            self._together = True
            try:
                with self._connection:
                    yield
                    self._flush()
            finally:
                self._written.clear()
                self._together = False

    def _flush(self) -> None:
        """Writes what waits: of many writes at once the database is asked two things, and of one entry the last value
        counts."""
        written = self._written.items()
        gone = [place for place, value in written if value is None]
        kept = [(*place, value) for place, value in written if value is not None]
        if gone:
            self._connection.executemany("DELETE FROM entries WHERE tab = ? AND key = ?", gone)
        if kept:
            self._connection.executemany("INSERT OR REPLACE INTO entries VALUES (?, ?, ?)", kept)
        self._written.clear()

    def close(self) -> None:
        """Ends the use of the file."""
        with self._lock:
            self._connection.close()


class MemoryTables:
    """`Tables` that last as long as the process, for tests and for reading a folder once."""

    def __init__(self) -> None:
        self._tables: dict[str, dict[str, bytes]] = {}

    def load(self, table: str) -> dict[str, bytes]:
        """All entries of a table."""
        return dict(self._tables.get(table, {}))

    def get(self, table: str, key: str) -> bytes | None:
        """One entry, None where there is none."""
        return self._tables.get(table, {}).get(key)

    def write(self, table: str, changes: Mapping[str, bytes | None]) -> None:
        """Sets entries, and removes those that are None."""
        entries = self._tables.setdefault(table, {})
        for key, value in changes.items():
            if value is None:
                entries.pop(key, None)
            else:
                entries[key] = value

    def together(self) -> AbstractContextManager[None]:
        """As in `Tables`."""
        return nullcontext()


def _open(path: Path) -> sqlite3.Connection:
    os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))  # SQLite would use the umask
    connection = sqlite3.connect(path, check_same_thread=False, timeout=5)
    try:
        with closing(connection.execute("PRAGMA journal_mode=WAL")):
            pass
        connection.execute("PRAGMA synchronous=NORMAL")
        with connection:
            connection.execute(_SCHEMA)
    except BaseException:
        connection.close()
        raise
    return connection
