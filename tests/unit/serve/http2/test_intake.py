"""Long messages: a few at a time, in turn, and nobody who is slow holds up the others."""

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.serve.http2.client import Client, message

from weft.serve.http2.errors import Code
from weft.serve.http2.frames import DATA, WINDOW_UPDATE
from weft.serve.http2.intake import Intake
from weft.serve.http2.windows import DEFAULT_WINDOW

FRAME = 16_000
LONG = 200_000


class Sender:
    """Counts how often it is told that it has a place."""

    def __init__(self) -> None:
        self.told = 0

    def let_more_come(self) -> None:
        self.told += 1


class Uploading:
    """A client that sends one message as far as the window of its stream lets it."""

    def __init__(self, content: bytes, intake: Intake) -> None:
        self.client = Client(intake=intake)
        self.server = self.client.open()
        self.sent = 0
        self._left = message(content)
        self._window = DEFAULT_WINDOW

    def send(self, frames: int = 1_000) -> None:
        """Sends what it may send now, but no more than some frames."""
        self._look()
        while self._left and self._window and frames:
            frames -= 1
            part = self._left[: min(FRAME, self._window)]
            self._left = self._left[len(part) :]
            self._window -= len(part)
            self.sent += len(part)
            self.client.send(DATA, 0, 1, part)
            self._look()

    def _look(self) -> None:
        for kind, _, stream, payload in self.client.frames():
            if (kind, stream) == (WINDOW_UPDATE, 1):
                self._window += int.from_bytes(payload, "big")


def test_places_are_given_in_the_order_of_asking() -> None:
    intake = Intake(places=1)
    one, two, three = Sender(), Sender(), Sender()
    assert [intake.enter(each) for each in (one, two, three, one)] == [True, False, False, True]
    intake.leave(one)
    assert [two.told, three.told] == [1, 0]
    assert not intake.enter(one)
    intake.leave(two)
    assert [three.told, one.told] == [1, 0]


def test_who_goes_while_waiting_leaves_no_gap() -> None:
    intake = Intake(places=1)
    one, two, three = Sender(), Sender(), Sender()
    for each in (one, two, three):
        intake.enter(each)
    intake.leave(two)
    intake.leave(one)
    assert [two.told, three.told] == [0, 1]


def test_who_takes_too_long_goes_on_and_the_next_one_has_the_place() -> None:
    now = [0.0]
    intake = Intake(places=1, patience=5.0, clock=lambda: now[0])
    slow, next_, last = Sender(), Sender(), Sender()
    for each in (slow, next_, last):
        intake.enter(each)
    now[0] = 5.1
    intake.look()
    assert [next_.told, last.told] == [1, 0]
    assert intake.enter(slow)
    intake.leave(slow)
    assert last.told == 0


def test_nobody_loses_a_place_that_no_other_wants() -> None:
    now = [0.0]
    intake = Intake(places=1, patience=5.0, clock=lambda: now[0])
    slow, other = Sender(), Sender()
    intake.enter(slow)
    now[0] = 6.0
    intake.look()
    assert not intake.enter(other)


def test_of_many_long_messages_few_are_held_at_a_time() -> None:
    intake = Intake(places=2)
    clients = [Uploading(bytes([number]) * LONG, intake) for number in range(10)]
    for client in clients:
        client.client.send(DATA, 0, 1, b"")
    while any(not client.server.messages for client in clients):
        before = [client.sent for client in clients]
        for client in clients:
            client.send(1)
            assert sum(DEFAULT_WINDOW < each.sent < LONG for each in clients) <= 2
        assert [client.sent for client in clients] != before
    assert [client.server.messages for client in clients] == [[bytes([number]) * LONG] for number in range(10)]


def test_short_messages_wait_for_nobody() -> None:
    intake = Intake(places=1)
    intake.enter(Sender())
    client = Uploading(b"", intake)
    for size in (32_000, 30_000, 20, 32_767, 1, 32_767, 32_767):
        content = bytes(size)
        for start in range(0, size + 5, FRAME):
            client.client.send(DATA, 0, 1, message(content)[start : start + FRAME])
        assert client.server.messages[-1] == content


@given(st.lists(st.integers(0, 120_000), min_size=1, max_size=6), st.integers(1_500, 16_384), st.booleans())
def test_whatever_comes_no_window_stays_closed(sizes: list[int], size: int, waits: bool) -> None:
    intake, other = Intake(places=1), Sender()
    if waits:
        intake.enter(other)
    client = Client(intake=intake)
    server = client.open()
    data, window, told = b"".join(message(bytes(each)) for each in sizes), DEFAULT_WINDOW, False
    while data:
        part = data[: min(size, window)]
        if not part:
            assert waits
            assert not told
            told = True
            intake.leave(other)
        client.send(DATA, 0, 1, part)
        data, window = data[len(part) :], window - len(part)
        updates = [frame for frame in client.frames() if frame[0] == WINDOW_UPDATE and frame[2] == 1]
        window += sum(int.from_bytes(payload, "big") for *_, payload in updates)
    assert [len(each) for each in server.messages] == sizes


def test_a_call_that_ends_gives_its_place_to_the_next() -> None:
    intake = Intake(places=1)
    first, second = Uploading(bytes(LONG), intake), Uploading(bytes(LONG), intake)
    first.client.send(DATA, 0, 1, b"\x00" + LONG.to_bytes(4, "big"))
    second.send()
    assert not second.server.messages
    assert second.server.call.kept_waiting
    assert not first.server.call.kept_waiting
    first.server.call.reset(Code.CANCEL)
    assert not second.server.call.kept_waiting
    second.send()
    assert second.server.messages == [bytes(LONG)]
