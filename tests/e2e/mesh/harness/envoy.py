"""An Envoy's own view of itself, by its admin socket."""

import re
from pathlib import Path
from typing import Any

import msgspec

from weft.cli.unix_http import Request, ask


class Admin:
    """The admin interface of one Envoy."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    def get(self, target: str) -> bytes:
        """The answer to a GET."""
        answer = ask(self._socket, Request(target), timeout=20.0)
        assert answer.status == 200, f"{target}: {answer.status}"
        return answer.body

    def json(self, target: str) -> Any:
        """The same, decoded."""
        return msgspec.json.decode(self.get(target))

    def certificate_serials(self) -> set[str]:
        """Serial numbers of the certificates that this Envoy proves itself with."""
        found = self.json("/certs")["certificates"]
        return {chain["serial_number"] for each in found for chain in each.get("cert_chain", ())}

    def counters(self, pattern: str) -> dict[str, int]:
        """Statistics whose names match a regular expression."""
        text = self.get("/stats?type=All").decode()
        pairs = (line.rpartition(": ") for line in text.splitlines())
        return {name: int(value) for name, _, value in pairs if re.search(pattern, name) and value.isdigit()}
