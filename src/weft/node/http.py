"""HTTP/1.1 over a connection that somebody else made: one request, one answer, then the end."""

import asyncio
from collections.abc import Mapping
from typing import Final

import h11
from msgspec import Struct

_READ_SIZE: Final = 64 * 1024
_DEFAULT_LIMIT: Final = 64 * 2**20


class HttpError(Exception):
    """What came back is no HTTP answer, or one that is too long."""


class Answer(Struct, frozen=True):
    """Status and body of an answer."""

    status: int
    body: bytes = b""


class Call(Struct, frozen=True, kw_only=True):
    """A request. `limit` is the most bytes of the body that are read; with `head_only` none is."""

    target: str
    method: str = "GET"
    host: str = "localhost"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    limit: int = _DEFAULT_LIMIT
    head_only: bool = False


async def exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, call: Call) -> Answer:
    """Sends the request, reads the answer and closes the connection. Raises HttpError or OSError."""
    connection = h11.Connection(h11.CLIENT)
    try:
        request = h11.Request(method=call.method, target=call.target, headers=list(_headers(call).items()))
        for event in (request, h11.Data(data=call.body), h11.EndOfMessage()):
            writer.write(connection.send(event) or b"")
        return await _read(connection, reader, call)
    except h11.ProtocolError as error:
        raise HttpError(str(error)) from error
    finally:
        writer.transport.abort()  # nothing is left to send, and a polite end of TLS would wait for the server


def _headers(call: Call) -> Mapping[str, str]:
    """The headers to send: those of the caller come before ours, whatever their case."""
    own = {"host": call.host, "connection": "close", "accept": "*/*", "user-agent": "weft-node"}
    if call.body:
        own |= {"content-length": str(len(call.body)), "content-type": "application/json"}
    return own | {name.lower(): value for name, value in call.headers}


async def _read(connection: h11.Connection, reader: asyncio.StreamReader, call: Call) -> Answer:
    status, parts, size = 0, [], 0
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(_READ_SIZE))
        elif isinstance(event, h11.Response):
            status = event.status_code
            if call.head_only:
                return Answer(status)
        elif isinstance(event, h11.Data):
            size += len(event.data)
            if size > call.limit:
                raise HttpError(f"the answer is longer than {call.limit} bytes")
            parts.append(bytes(event.data))
        elif isinstance(event, h11.EndOfMessage):
            return Answer(status, b"".join(parts))
        elif not isinstance(event, h11.InformationalResponse):
            raise HttpError("the connection ended before the answer")
