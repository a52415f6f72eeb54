"""Files are read whole, not while they are written, and reading never harms reader or writer."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from weft.sources.directory.contents import read_bytes
from weft.sources.directory.text import BusyError, UnreadableError, decode_text

LIMIT = 1_000

WRITER = """
import sys, time
end = time.monotonic() + float(sys.argv[2])
while time.monotonic() < end:
    with open(sys.argv[1], "r+") as file:
        file.write("text")
"""


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x" * LIMIT)
    data, stamp = read_bytes(path, LIMIT)
    assert (data, stamp.size) == (b"x" * LIMIT, LIMIT)


def test_a_file_over_the_limit_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x" * (LIMIT + 1))
    with pytest.raises(UnreadableError, match="more than"):
        read_bytes(path, LIMIT)


def test_a_file_that_is_open_for_writing_is_busy(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with path.open("w"), pytest.raises(BusyError):
        read_bytes(path, LIMIT)
    assert read_bytes(path, LIMIT)[0] == b""


def test_a_writer_that_does_nothing_for_long_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with path.open("w") as file:
        file.write("text")
        file.flush()
        past = time.time() - 60
        os.utime(path, (past, past))
        assert read_bytes(path, LIMIT)[0] == b"text"


def test_asking_for_writers_does_not_end_the_process_when_one_comes(tmp_path: Path) -> None:
    """Who opens the file meanwhile breaks the lease that is asked for; the kernel then sends a signal."""
    path = tmp_path / "a"
    path.write_text("text")
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path), "0.5"])
    read = 0
    while writer.poll() is None:
        try:
            assert read_bytes(path, LIMIT)[0] == b"text"
            read += 1
        except BusyError:
            pass
    assert writer.wait() == 0
    assert read > 0


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_text_is_utf_8_with_or_without_a_mark(mark: bytes) -> None:
    assert decode_text(mark + "é".encode()) == "é"


def test_other_encodings_are_named_with_their_place() -> None:
    with pytest.raises(UnreadableError, match="0xe9 is not UTF-8") as caught:
        decode_text("a: 1\nbé: é".encode("latin-1"))
    assert (caught.value.line, caught.value.column) == (2, 2)
