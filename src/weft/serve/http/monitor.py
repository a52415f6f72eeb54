"""The monitoring port: GET /metrics, /ready and /version over HTTP/1.1 for anybody who reaches it, and nothing else.

It shows no secret and changes nothing. Who floods it gets slow answers and is no burden: few connections at once, one
request for each, little time for it; what does not fit waits in the kernel's queue.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable
from typing import Final

import h11

from weft import __version__
from weft.serve.http2.listener import Entry, Listener, listening_socket
from weft.telemetry.exposition import CONTENT_TYPE

_log: Final = logging.getLogger(__name__)
_TEXT: Final = "text/plain; charset=utf-8"
_CHUNK: Final = 4_096
_MOST: Final = 16_384
_METHODS: Final = (b"GET", b"HEAD")

DEFAULT_ENTRY: Final = Entry(rate=100.0, at_once=2, connections=16)
DEFAULT_PATIENCE: Final = 5.0


class MonitorServer:
    """Serves the port. `metrics` gives the text of all metrics; `patience` in seconds is for a whole exchange."""

    def __init__(
        self,
        metrics: Callable[[], bytes],
        entry: Entry = DEFAULT_ENTRY,
        patience: float = DEFAULT_PATIENCE,
    ) -> None:
        self._pages: dict[bytes, tuple[str, Callable[[], bytes]]] = {
            b"/metrics": (CONTENT_TYPE, metrics),
            b"/ready": (_TEXT, lambda: b""),
            b"/version": (_TEXT, __version__.encode),
        }
        self._entry = entry
        self._patience = patience
        self._listener: Listener | None = None
        self._open: set[asyncio.Task[None]] = set()

    def listen(self, address: str) -> int:
        """Listens on `<IP address>:<port>` in the calling thread's namespace; returns the port. OSError if it can't."""
        listener = listening_socket(address)
        port: int = listener.getsockname()[1]
        self._listener = Listener(listener, self._admit, self._full, self._entry)
        return port

    def start(self) -> None:
        """Begins to serve."""
        if self._listener is not None:
            self._listener.start()

    def close(self) -> None:
        """Ends everything at once."""
        if self._listener is not None:
            self._listener.close()
        for task in self._open:
            task.cancel()

    def _full(self) -> bool:
        return len(self._open) >= self._entry.connections

    async def _admit(self, accepted: socket.socket) -> None:
        task = asyncio.create_task(self._serve(accepted))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def _serve(self, accepted: socket.socket) -> None:
        reader, writer = await asyncio.open_connection(sock=accepted)
        try:
            async with asyncio.timeout(self._patience):
                writer.write(await self._exchange(reader))
                await writer.drain()
        except (TimeoutError, ConnectionError, h11.ProtocolError):
            writer.transport.abort()
        except Exception:  # noqa: BLE001 - an error of ours ends this exchange, and no other
            _log.exception("the monitoring port failed")
            writer.transport.abort()
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _exchange(self, reader: asyncio.StreamReader) -> bytes:
        """Reads one request, and makes the answer. h11.ProtocolError where it is none, or never ends."""
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=_MOST)
        while (event := connection.next_event()) is h11.NEED_DATA:
            connection.receive_data(await reader.read(_CHUNK))
        if not isinstance(event, h11.Request):
            raise h11.RemoteProtocolError("no request")
        status, kind, body = self._answer(event)
        fields = [("content-type", kind), ("content-length", str(len(body))), ("connection", "close")]
        parts = [connection.send(h11.Response(status_code=status, headers=fields))]
        if event.method != b"HEAD":
            parts.append(connection.send(h11.Data(data=body)))
        return b"".join(part for part in parts if part)

    def _answer(self, request: h11.Request) -> tuple[int, str, bytes]:
        page = self._pages.get(request.target.partition(b"?")[0])
        if page is None:
            return 404, _TEXT, b"there are /metrics, /ready and /version\n"
        if request.method not in _METHODS:
            return 405, _TEXT, b"this is for reading\n"
        kind, body = page
        return 200, kind, body()
