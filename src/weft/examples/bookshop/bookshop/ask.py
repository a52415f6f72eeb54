"""Asking the store: `python3 -m bookshop.ask GET stars/1`, and the same for `ratings`."""

import os
import socket
import sys
from collections.abc import Mapping
from typing import Final

from .proxy import read_proxy

MAX_LINE: Final = 1_024
MAX_HEAD: Final = 16_384


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
        with connect(store, timeout) as connection:
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


def connect(store: tuple[str, int], timeout: float) -> socket.socket:
    """A connection to the store; where there is a proxy, it is asked for a tunnel (RFC 9110, section 9.3.6)."""
    proxy = read_proxy(os.environ, store[0])
    if proxy is None:
        return socket.create_connection(store, timeout)
    connection = socket.create_connection(proxy, timeout)
    try:
        place = f"{store[0]}:{store[1]}"
        connection.sendall(f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n\r\n".encode())
        status = _read_head(connection).split(b" ", 2)[1:2]
        if status != [b"200"]:
            raise StoreError(f"the proxy opens no tunnel: {b''.join(status).decode(errors='replace') or 'no answer'}")
    except BaseException:
        connection.close()
        raise
    return connection


def _read_head(connection: socket.socket) -> bytes:
    """The head of the proxy's answer, byte by byte: what follows it is the store's."""
    head = b""
    while not head.endswith(b"\r\n\r\n") and len(head) < MAX_HEAD:
        byte = connection.recv(1)
        if not byte:
            break
        head += byte
    return head


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
