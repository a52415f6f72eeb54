"""Text of files, and what makes a text unreadable."""

import codecs

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class UnreadableError(ValueError):
    """A text that is no YAML or JSON, or breaks a limit. Line and column count from 1; line 0 is the whole file."""

    def __init__(self, message: str, line: int = 0, column: int = 1, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column
        self.advice = advice

    def moved(self, lines: int) -> "UnreadableError":
        """The same error of a text that begins after that many other lines."""
        return UnreadableError(self.message, self.line + lines if self.line else 0, self.column, self.advice)


class BusyError(Exception):
    """The file is being written: look again soon."""


def decode_text(data: bytes) -> str:
    """Text of a file's bytes, without a byte order mark. Raises UnreadableError where it is not UTF-8."""
    if data.startswith(_UTF_16):
        raise UnreadableError("the file is UTF-16", 1, advice="save it as UTF-8")
    try:
        return data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
        message = f"the byte 0x{data[error.start]:02x} is not UTF-8"
        raise UnreadableError(message, line, column, "save the file as UTF-8") from None


def too_large(size: int, limit: int) -> UnreadableError:
    """The error of a file that has more bytes than are read."""
    message = f"the file has {size / 2**20:.1f} MiB, more than the {limit / 2**20:g} MiB that are read"
    return UnreadableError(message, advice="split it into several files")
