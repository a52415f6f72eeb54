"""A key-value store that speaks lines of text over TCP. The client speaks first:

    PING              PONG
    GET <key>         VALUE <value>   or   NONE
    SET <key> <value> OK
    anything else     ERROR <why>

Lines are UTF-8 and end with a newline. After a line that is too long the connection is closed.
"""

import re
from typing import Final

from .serving import Connection, log, run

MAX_LINE: Final = 1_024
MAX_KEYS: Final = 1_000
_KEY: Final = re.compile(r"[A-Za-z0-9/_.-]{1,100}")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
STARS: Final = {
    "stars/1": "ines=5 tomas=4",
    "stars/2": "ruth=5 ines=3",
    "stars/3": "okoye=5 tomas=4",
    "stars/4": "ruth=5 okoye=4",
}


def execute(data: dict[str, str], line: str) -> str:
    """Carry out one line on `data` and give back the answer, both without the newline."""
    command, _, rest = line.partition(" ")
    key, _, value = rest.partition(" ")
    match command:
        case "PING" if not rest:
            return "PONG"
        case "GET" | "SET" if not _KEY.fullmatch(key):
            return "ERROR a key is 1 to 100 letters, digits and any of / _ . -"
        case "GET" if not value:
            return f"VALUE {data[key]}" if key in data else "NONE"
        case "SET":
            return _set(data, key, value)
    return "ERROR write PING, GET <key> or SET <key> <value>"


def _set(data: dict[str, str], key: str, value: str) -> str:
    if not value or _CONTROL.search(value):
        return "ERROR a value is text of at least one character"
    if key not in data and len(data) >= MAX_KEYS:
        return "ERROR the store is full"
    data[key] = value
    return "OK"


class StoreConnection(Connection):
    """The lines of one connection, one after the other, on the data that all connections share."""

    data: dict[str, str]

    def handle(self) -> None:
        while self.wait_for_request() and self._answer(self.rfile.readline(MAX_LINE + 1)):
            self.wfile.flush()

    def _answer(self, line: bytes) -> bool:
        """Answer one line; False if it was the last."""
        if len(line) > MAX_LINE:
            self.wfile.write(b"ERROR the line is too long\n")
            return False
        if not line.endswith(b"\n"):
            return False
        try:
            reply = execute(self.data, line.decode().removesuffix("\n").removesuffix("\r"))
        except UnicodeDecodeError:
            reply = "ERROR a line is UTF-8"
        self.wfile.write(f"{reply}\n".encode())
        log(f"{self.client_address[0]} {line[:200]!r} {reply.partition(' ')[0]}")
        return True


def main() -> None:
    """Serve until told to stop. What is set lives as long as the process."""
    run("store", type("Handler", (StoreConnection,), {"data": dict(STARS)}), port=7379)


if __name__ == "__main__":
    main()
