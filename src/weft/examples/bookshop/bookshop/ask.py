"""Asking the store: `python3 -m bookshop.ask GET stars/1`, and the same for `ratings`."""

import os
import socket
import sys
from collections.abc import Mapping
from typing import Final

MAX_LINE: Final = 1_024


class StoreError(Exception):
    """The store could not be asked, or refused what it was asked."""


def read_address(environment: Mapping[str, str]) -> tuple[str, int]:
    """Host and port of the store from STORE, `store:7379` without it."""
    host, _, port = environment.get("STORE", "store:7379").rpartition(":")
    return host, int(port)


def ask(command: str, store: tuple[str, int], *, timeout: float) -> str | None:
    """Send one command and give back its value: "" for one without, None where the store has none. StoreError else."""
    if "\n" in command:
        raise StoreError("a command is one line")
    try:
        with socket.create_connection(store, timeout) as connection:
            connection.sendall(command.encode() + b"\n")
            line = connection.makefile("rb").readline(MAX_LINE)
    except OSError as error:
        raise StoreError(f"the store can't be reached: {error}") from error
    if not line.endswith(b"\n"):
        raise StoreError("the store closed the connection without an answer")
    word, _, value = line.decode(errors="replace").strip().partition(" ")
    if word not in ("OK", "PONG", "VALUE", "NONE"):
        raise StoreError(f"the store refused: {value!r}")
    return None if word == "NONE" else value


def main(words: list[str]) -> int:
    """Ask what the command line says, print the answer, and end with 1 where there is none."""
    try:
        value = ask(" ".join(words), read_address(os.environ), timeout=5.0)
    except StoreError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write("nothing there\n" if value is None else f"{value or 'ok'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
