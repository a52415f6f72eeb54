"""Whatever happens, a client that answers ends up with what the view holds: a model is played against the machine."""

from unittest import mock

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from tests.unit.serve.ads.client import WHOLE, Client, bad, item

from weft.envoy.type_urls import CDS, EDS, LDS, RDS
from weft.serve.ads import batches
from weft.serve.ads.bodies import Bodies
from weft.serve.ads.messages import WILDCARD
from weft.serve.ads.stream import DeltaStream, Pacing
from weft.serve.ads.views import ResourceTable

PACING = Pacing(ack=5.0, removal=10.0)
TYPES = (CDS, EDS, LDS, RDS)
NAMES = ("a", "b", "c", "d", "e")

types = st.sampled_from(TYPES)
names = st.sampled_from(NAMES)
some_names = st.sets(names, min_size=1, max_size=3)
contents = st.sampled_from(("1", "2", "3"))
changes = st.lists(st.tuples(types, names, st.one_of(st.none(), contents), st.booleans()), min_size=1, max_size=6)


class StreamMachine(RuleBasedStateMachine):
    """Two views; the client shows one of them at a time. Resources marked bad are refused by it."""

    def __init__(self) -> None:
        super().__init__()
        self.tables = [ResourceTable(WHOLE), ResourceTable(WHOLE)]
        self.bad: list[set[tuple[str, str]]] = [set(), set()]
        self.shown = 0
        self.sent_at: dict[str, float] = {}
        self.bodies = Bodies(400)
        self.client = Client(DeltaStream(self.table, 0.0, PACING, self.bodies))

    @property
    def table(self) -> ResourceTable:
        return self.tables[self.shown]

    @initialize(wanted=st.sets(types))
    def connect(self, wanted: set[str]) -> None:
        for type_url in sorted(wanted & set(WHOLE)):
            self.client.subscribe(type_url)

    @rule(which=st.integers(0, 1), changed=changes)
    def change(self, which: int, changed: list[tuple[str, str, str | None, bool]]) -> None:
        table, marked = self.tables[which], self.bad[which]
        last = {(type_url, name): (content, is_bad) for type_url, name, content, is_bad in changed}
        put, removed = [], []
        for (type_url, name), (content, is_bad) in last.items():
            marked.discard((type_url, name))
            if content is None:
                removed.append((type_url, name))
            else:
                put.append((bad if is_bad else item)(type_url, name, content))
                if is_bad:
                    marked.add((type_url, name))
        told = table.update(put, removed)
        if which == self.shown:
            self.client.stream.changed(told)

    @rule(type_url=types, chosen=some_names)
    def subscribe(self, type_url: str, chosen: set[str]) -> None:
        self.client.subscribe(type_url, *sorted(chosen))

    @rule(type_url=st.sampled_from(WHOLE))
    def subscribe_to_all(self, type_url: str) -> None:
        self.client.subscribe(type_url, WILDCARD)

    @rule(type_url=types, chosen=some_names, whole=st.booleans())
    def unsubscribe(self, type_url: str, chosen: set[str], whole: bool) -> None:
        kept = self.client.kept.get(type_url)
        if kept is not None and kept.opened:
            self.client.subscribe(type_url, unsubscribe=sorted(chosen) + [WILDCARD] * whole)

    @rule()
    def poll(self) -> None:
        before = {r.nonce for r in self.client.inbox if r.type_url == CDS and r.versions}
        response = self.client.poll()
        if response is not None and response.type_url in (LDS, RDS):
            young = {nonce for nonce in before if self.sent_at[nonce] + PACING.ack > self.client.time}
            assert not young, "listeners and routes must wait until the client took the clusters"
        if response is not None:
            self.sent_at[response.nonce] = self.client.time
        else:
            assert self.client.poll() is None, "it changed its mind though nothing happened"
        if response is None and not self.client.inbox and any(s.pending for s in self.client.stream.subscriptions):
            assert self.client.stream.wake_at(self.client.time) is not None, "something waits for ever"

    @precondition(lambda self: self.client.inbox)
    @rule()
    def answer(self) -> None:
        self.client.answer()

    @rule(seconds=st.floats(0.1, 12.0))
    def wait(self, seconds: float) -> None:
        self.client.time += seconds

    @rule()
    def reconnect(self) -> None:
        self.sent_at.clear()
        self.client.reconnect(DeltaStream(self.table, self.client.time, PACING, self.bodies))

    @rule()
    def move(self) -> None:
        self.shown = 1 - self.shown
        self.client.stream.move(self.table)

    @rule()
    def settle(self) -> None:
        self.client.settle()
        self.compare()

    def compare(self) -> None:
        """All good resources that are wanted are there as they are now; what is gone is not there."""
        for type_url, kept in self.client.kept.items():
            if not kept.opened:
                continue
            present = {n: r for n in NAMES if (r := self.table.named(type_url, n)) is not None and kept.wants(n)}
            for name, resource in present.items():
                if (type_url, name) not in self.bad[self.shown]:
                    assert kept.versions.get(name) == resource.version, f"{type_url} {name} is not current"
            assert kept.versions.keys() <= present.keys(), f"{type_url}: something removed is still there"
        self.compare_warming()

    def compare_warming(self) -> None:
        endpoints, clusters = self.client.kept.get(EDS), self.client.kept.get(CDS)
        if endpoints is not None and endpoints.opened and clusters is not None:
            refused = {name for type_url, name in self.bad[self.shown] if type_url == EDS}
            waiting = self.client.warming & endpoints.names & clusters.versions.keys()
            assert waiting <= refused, "a cluster waits for endpoints that were not sent again"

    def teardown(self) -> None:
        self.client.settle()
        self.compare()


class SmallResponses(StreamMachine):
    """The same where a response has room for one or two resources."""

    def __init__(self) -> None:
        super().__init__()
        self._patch = mock.patch.object(batches, "MAX_RESPONSE_BYTES", 200)
        self._patch.start()

    def teardown(self) -> None:
        try:
            super().teardown()
        finally:
            self._patch.stop()


TestStream = StreamMachine.TestCase
TestStream.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)

TestSmallResponses = SmallResponses.TestCase
TestSmallResponses.settings = TestStream.settings
