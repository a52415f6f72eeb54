"""A connection that only keeps what a call sends."""

from weft.serve.http2.intake import Intake


class Carrier:
    """As in `call.Carrier`."""

    def __init__(self) -> None:
        self.intake = Intake()
        self.paused = False
        self.window = 1_000_000
        self.sent: list[bytes] = []
        self.ended: list[int] = []

    def send(self, data: bytes, size: int = 0) -> None:
        self.window -= size
        self.sent.append(data)

    def done(self, stream: int) -> None:
        self.ended.append(stream)
