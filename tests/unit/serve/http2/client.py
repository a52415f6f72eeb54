"""A client of HTTP/2 over a connection in memory."""

from collections.abc import Iterable

from weft.serve.http2.call import Call
from weft.serve.http2.connection import Connection
from weft.serve.http2.errors import Code
from weft.serve.http2.frames import (
    DATA,
    END_HEADERS,
    GOAWAY,
    HEADERS,
    PREFACE,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    Frame,
    FrameReader,
    frame,
)
from weft.serve.http2.headers import encode_headers
from weft.serve.http2.intake import Intake
from weft.serve.http2.limits import DEFAULT_LIMITS, Limits

POST = ((":method", "POST"), (":scheme", "https"), (":path", "/s/m"), ("content-type", "application/grpc"))


def message(content: bytes) -> bytes:
    """A message of gRPC."""
    return b"\x00" + len(content).to_bytes(4, "big") + content


class Server:
    """Serves calls: it keeps what comes, and answers when it is told to."""

    def __init__(self, call: Call, *, accept: bool) -> None:
        self.call = call
        self.messages: list[bytes] = []
        self.over = False
        self.drains = 0
        if accept:
            call.accept(self)

    def received(self, message: bytes) -> None:
        self.messages.append(message)

    def drained(self) -> None:
        self.drains += 1

    def ended(self) -> None:
        self.over = True


class Client:
    """`frames` are those that came since they were last looked at."""

    def __init__(
        self,
        limits: Limits = DEFAULT_LIMITS,
        *,
        greet: bool = True,
        accept: bool = True,
        intake: Intake | None = None,
    ) -> None:
        self.now = 0.0
        self.servers: list[Server] = []
        self.closed = False
        self._sent: list[bytes] = []
        self._reader = FrameReader()
        list(self._reader.feed(PREFACE))
        self.connection = Connection(
            self,
            lambda call: self.servers.append(Server(call, accept=accept)),
            "10.0.0.1",
            limits,
            lambda: self.now,
            intake=intake,
        )
        self.connection.start()
        if greet:
            self.connection.receive(PREFACE + frame(SETTINGS, 0, 0))
            self.frames()

    def write(self, data: bytes) -> None:
        assert not self.closed
        self._sent.append(data)

    def close(self) -> None:
        self.closed = True

    def send(self, kind: int, flags: int, stream: int, payload: bytes = b"") -> None:
        self.connection.receive(frame(kind, flags, stream, payload))

    def open(self, stream: int = 1, fields: Iterable[tuple[str, str]] = POST, flags: int = END_HEADERS) -> Server:
        """Makes a call."""
        self.send(HEADERS, flags, stream, encode_headers(fields))
        return self.servers[-1]

    def frames(self) -> list[Frame]:
        sent, self._sent = self._sent, []
        return list(self._reader.feed(b"".join(sent)))

    def data(self, stream: int = 1) -> bytes:
        """What came on a stream."""
        return b"".join(payload for kind, _, of, payload in self.frames() if kind == DATA and of == stream)

    def widen(self, stream: int, by: int) -> None:
        self.send(WINDOW_UPDATE, 0, stream, by.to_bytes(4, "big"))

    def goaway(self) -> Code | None:
        """The code of the last GOAWAY."""
        found = [payload for kind, _, _, payload in self.frames() if kind == GOAWAY]
        return Code(int.from_bytes(found[-1][4:8], "big")) if found else None

    def resets(self) -> dict[int, Code]:
        """The codes of RST_STREAM by stream."""
        return {
            stream: Code(int.from_bytes(payload, "big"))
            for kind, _, stream, payload in self.frames()
            if kind == RST_STREAM
        }
