"""The controller of a running mesh, as commands see it: its API over the unix socket in the mesh's state folder."""

from typing import Any, Final, TypeVar
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Struct

from weft.base.places import Places
from weft.cli.errors import Failure, NoMeshError
from weft.cli.unix_http import DEFAULT_TIMEOUT, Answer, NoAnswerError, NobodyListensError, NotAllowedError, Request, ask

Json = dict[str, Any]
T = TypeVar("T")

_NOT_FOUND: Final = 404


class NotFoundError(Failure):
    """The mesh has no such object, or no such kind."""


class Listing(Struct, frozen=True):
    """Objects of one kind, as Kubernetes writes them. `kind` is the key: `Kind.group`."""

    kind: str
    items: tuple[Json, ...]


class KindInfo(Struct, frozen=True, rename="camel"):
    """One kind of object that the mesh knows."""

    kind: str
    key: str
    plural: str
    group: str
    version: str
    namespaced: bool
    short_names: tuple[str, ...] = ()


class _Refusal(Struct, frozen=True):
    error: str
    hint: str = ""


class Controller:
    """Asks the controller. Every question raises Failure where there is no answer, with what to do about it."""

    def __init__(self, places: Places, timeout: float = DEFAULT_TIMEOUT) -> None:
        self._places = places
        self._timeout = timeout

    def kinds(self) -> tuple[KindInfo, ...]:
        """All kinds that the mesh knows."""
        return self.fetch("/v1/kinds", tuple[KindInfo, ...])

    def objects(self, kind: str, namespace: str | None, selector: str = "") -> Listing:
        """The objects of a kind, by any of its names; of all namespaces if it is None."""
        return self.fetch(f"/v1/objects/{_segment(kind)}", Listing, namespace=namespace, selector=selector or None)

    def object(self, kind: str, namespace: str, name: str) -> Json:
        """One object. Raises NotFoundError."""
        return self.fetch(object_path(kind, name), Json, namespace=namespace)

    def fetch(self, path: str, kind: type[T], /, **query: str | None) -> T:
        """What the API answers to GET, as a value of a type; parameters that are None are left out."""
        return self.send("GET", path, kind, **query)

    def send(self, method: str, path: str, kind: type[T], /, body: Any = None, **query: str | None) -> T:
        """What the API answers, as a value of a type."""
        given = {name: value for name, value in query.items() if value is not None}
        target = f"{path}?{urlencode(given)}" if given else path
        answer = self._ask(Request(target, method, b"" if body is None else msgspec.json.encode(body)))
        if not 200 <= answer.status < 300:
            raise _failure(answer, self._where_to_look)
        try:
            return msgspec.json.decode(answer.body, type=kind)
        except msgspec.DecodeError as error:
            hint = "the versions of `weft` and of the running mesh may differ"
            raise Failure(f"the controller's answer can't be read: {error}", hint=hint) from error

    @property
    def _where_to_look(self) -> str:
        return f"its log is {self._places.controller_log}"

    def _ask(self, request: Request) -> Answer:
        socket = self._places.controller_socket
        try:
            return ask(socket, request, self._timeout)
        except NobodyListensError as error:
            raise NoMeshError(self._places.mesh, f"no controller answers at {socket}") from error
        except NotAllowedError as error:
            raise Failure(str(error), hint="run as the user who started the mesh") from error
        except NoAnswerError as error:
            raise Failure(f"the controller does not answer: {error}", hint=self._where_to_look) from error


def object_path(kind: str, name: str) -> str:
    """The path of an object in the API."""
    return f"/v1/objects/{_segment(kind)}/{_segment(name)}"


def _segment(text: str) -> str:
    return quote(text, safe="")


def _failure(answer: Answer, where_to_look: str) -> Failure:
    try:
        refusal = msgspec.json.decode(answer.body, type=_Refusal)
    except msgspec.DecodeError:
        return Failure(f"the controller failed (HTTP status {answer.status})", hint=where_to_look)
    kind = NotFoundError if answer.status == _NOT_FOUND else Failure
    return kind(refusal.error, hint=refusal.hint)
