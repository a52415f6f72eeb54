"""Where what an Envoy says comes from: its admin socket, or a file that somebody saved it in."""

from pathlib import Path
from typing import Final, Protocol

import msgspec

from weft.cli.errors import Failure
from weft.cli.proxy.dump import Dump, Json, read_dump
from weft.cli.proxy.endpoints import Endpoint, of_assignments, of_statuses
from weft.cli.unix_http import NoAnswerError, Request, ask

_DUMP: Final = "/config_dump?include_eds"
_CLUSTERS: Final = "/clusters?format=json"
_STATUSES: Final = "cluster_statuses"


class Source(Protocol):
    """What tables are made of."""

    def dump(self) -> Dump:
        """The configuration. Raises DumpError or Failure."""

    def whole(self) -> Json:
        """The configuration as Envoy writes it. Raises DumpError or Failure."""

    def endpoints(self) -> list[Endpoint]:
        """The endpoints and how they are. Raises DumpError or Failure."""


class FileSource:
    """A saved answer of `/config_dump`, or of `/clusters?format=json` for endpoints alone."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def dump(self) -> Dump:
        """The configuration. Raises DumpError."""
        return read_dump(self._data)

    def whole(self) -> Json:
        """The configuration as Envoy writes it. Raises DumpError."""
        return _checked(self._data)

    def endpoints(self) -> list[Endpoint]:
        """The endpoints: without what outlier detection found, if the file is a dump. Raises DumpError."""
        if _STATUSES.encode() in self._data:
            return of_statuses(self._data)
        return of_assignments(read_dump(self._data).endpoints)


class AdminSource:
    """An Envoy that runs, by the unix socket of its admin interface."""

    def __init__(self, socket: Path, name: str) -> None:
        self._socket = socket
        self._name = name

    def dump(self) -> Dump:
        """The configuration. Raises DumpError or Failure."""
        return read_dump(self._ask(_DUMP))

    def whole(self) -> Json:
        """The configuration as Envoy writes it. Raises DumpError or Failure."""
        return _checked(self._ask(_DUMP))

    def endpoints(self) -> list[Endpoint]:
        """The endpoints and how they are. Raises DumpError or Failure."""
        return of_statuses(self._ask(_CLUSTERS))

    def loggers(self, query: str = "") -> str:
        """Sets levels of loggers, as the query says, and returns those of all. Raises Failure."""
        return self._ask(f"/logging?{query}", method="POST").decode(errors="replace")

    def _ask(self, target: str, method: str = "GET") -> bytes:
        try:
            answer = ask(self._socket, Request(target, method))
        except NoAnswerError as error:
            hint = f"`weft logs {self._name} -c istio-proxy` has its output"
            raise Failure(f"the Envoy of {self._name} does not answer: {error}", hint=hint) from error
        if answer.status != 200:
            said = answer.body.decode(errors="replace").strip().partition("\n")[0]
            raise Failure(f"the Envoy of {self._name} refused: {said[:200]}")
        return answer.body


def _checked(data: bytes) -> Json:
    read_dump(data)
    return msgspec.json.decode(data, type=Json)
