"""Whatever happens, a client of state of the world that answers ends up with what the view holds."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from tests.unit.serve.ads.state_client import TOLD_WHOLE, StateClient, state_stream
from tests.unit.serve.ads.test_state_stream import thing

from weft.envoy.type_urls import CDS, EDS, LDS, SDS
from weft.serve.ads.views import ResourceTable

TYPES = (CDS, EDS, LDS, SDS)
NAMES = ("a", "b", "c", "d")

types = st.sampled_from(TYPES)
names = st.sets(st.sampled_from(NAMES), min_size=1)
contents = st.one_of(st.none(), st.sampled_from(("1", "2", "bad")))
changes = st.lists(st.tuples(types, st.sampled_from(NAMES), contents), min_size=1, max_size=6)


class StateMachine(RuleBasedStateMachine):
    """A client, and two views that it may show. Content that begins with `bad` is refused by it."""

    def __init__(self) -> None:
        super().__init__()
        self.tables = [ResourceTable(TOLD_WHOLE), ResourceTable(TOLD_WHOLE)]
        self.shown = 0
        self.client = StateClient(state_stream(self.tables[0]))

    @initialize()
    def connect(self) -> None:
        for type_url in TOLD_WHOLE:
            self.client.ask(type_url)

    @rule(which=st.integers(0, 1), changed=changes)
    def change(self, which: int, changed: list[tuple[str, str, str | None]]) -> None:
        last = {(type_url, name): content for type_url, name, content in changed}
        put = [thing(kind, name, content) for (kind, name), content in last.items() if content is not None]
        told = self.tables[which].update(put, [key for key, content in last.items() if content is None])
        if which == self.shown:
            self.client.stream.changed(told)

    @rule(type_url=st.sampled_from((EDS, SDS)), chosen=names)
    def ask(self, type_url: str, chosen: set[str]) -> None:
        self.client.ask(type_url, *sorted(chosen))

    @rule()
    def poll(self) -> None:
        self.client.poll()

    @precondition(lambda self: self.client.inbox)
    @rule()
    def answer(self) -> None:
        self.client.answer()

    @rule(seconds=st.sampled_from((0.1, 6.0, 11.0)))
    def wait(self, seconds: float) -> None:
        self.client.time += seconds

    @rule()
    def move(self) -> None:
        self.shown = 1 - self.shown
        self.client.stream.move(self.tables[self.shown])

    @rule()
    def reconnect(self) -> None:
        """What was under way is lost; the client keeps what it has."""
        before, asked = self.client, dict(self.client.names)
        self.client = StateClient(state_stream(self.tables[self.shown]), before.time)
        self.client.kept = before.kept
        for type_url, wanted in asked.items():
            self.client.ask(type_url, *wanted)

    def teardown(self) -> None:
        """Everything that is good gets there; of a bad response nothing does."""
        self.client.settle()
        for type_url, wanted in self.client.names.items():
            table = self.tables[self.shown]
            whole = type_url in TOLD_WHOLE
            there = {n: f for n in NAMES if (f := table.named(type_url, n)) is not None and (whole or n in wanted)}
            held = self.client.kept.get(type_url, {})
            if whole and not any(b"=bad" in each.wire for each in there.values()):
                assert held.keys() == there.keys(), type_url
            for name, each in there.items():
                if not (b"=bad" in each.wire or (whole and any(b"=bad" in other.wire for other in there.values()))):
                    assert held[name] in each.wire, (type_url, name)


StateMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
TestStateMachine = StateMachine.TestCase
