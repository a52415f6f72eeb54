"""Virtual hosts by VHDS: a model of Envoy is played against the stream.

The model does what Envoy 1.40 was seen to do. It takes hosts only of tables that it has, but remembers the versions of
all; it keeps a table whose removal it is told, and forgets the hosts with a table that it does not want any more; it
refuses a response in which a domain is in two hosts. Whatever happens, each table has at all times the hosts that it
had in the mesh at some time: none is missing or left over in between, and nothing is refused.
"""

from collections.abc import Callable
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from tests.unit.serve.ads.client import encode_request

from weft.base import protobuf
from weft.envoy.resource import Resource, resource
from weft.envoy.type_urls import CDS, LDS, RDS, VHDS
from weft.serve.ads.messages import parse_request
from weft.serve.ads.stream import DeltaStream, Pacing
from weft.serve.ads.views import ResourceTable

PACING = Pacing(ack=5.0, removal=10.0)
TABLES = ("80", "8080")
CLUSTER = resource(CDS, "cluster", b"")
Hosts = dict[str, str]
"""Domains, joined by commas, by name of the host."""

tables = st.sampled_from(TABLES)
owners = st.lists(st.sampled_from(("a", "b", "c", "")), min_size=4, max_size=4)
"""Which host has each of four domains; none where it is empty. The fallback has what is left."""


class Envoy:
    """Route tables with their hosts, and the versions that it tells when it comes back."""

    def __init__(self, stream: DeltaStream) -> None:
        self.stream = stream
        self.wanted: set[str] = set()
        self.tables: dict[str, Hosts] = {}
        self.versions: dict[str, dict[str, str]] = {RDS: {}, VHDS: {}}
        self.unanswered: list[tuple[str, str]] = []
        self.opened = False
        self.time = 0.0

    def want(self, table: str) -> None:
        self._answer_tables()
        self.wanted.add(table)
        self._send(RDS, resource_names_subscribe=[table])

    def forget(self, table: str) -> None:
        self._answer_tables()
        self._drop(table)
        self._send(RDS, resource_names_unsubscribe=[table])

    def make_anew(self, table: str) -> None:
        self._drop(table)
        self.want(table)

    def _drop(self, table: str) -> None:
        self.wanted.discard(table)
        self.tables.pop(table, None)
        self.versions[RDS].pop(table, None)

    def _answer_tables(self) -> None:
        """Envoy sends answers before it says what else it wants."""
        for each in [each for each in self.unanswered if each[0] == RDS]:
            self.unanswered.remove(each)
            self._send(RDS, response_nonce=each[1])

    def reconnect(self, stream: DeltaStream, meanwhile: Callable[[], object]) -> None:
        """Tells of all types at once, but the server may answer to the first ones before it reads the last."""
        self.stream = stream
        self.unanswered.clear()
        self._send(CDS, initial_resource_versions={CLUSTER.name: CLUSTER.version})
        meanwhile()
        if self.wanted:
            self._send(
                RDS,
                resource_names_subscribe=sorted(self.wanted),
                initial_resource_versions=self.versions[RDS],
            )
        meanwhile()
        if self.opened:
            self._send(VHDS, initial_resource_versions=self.versions[VHDS])

    def take(self, data: bytes) -> set[str]:
        """Takes a response in; returns the tables whose hosts it changed."""
        message: Any = protobuf.parse("envoy.service.discovery.v3.DeltaDiscoveryResponse", data)
        self.unanswered.append((message.type_url, message.nonce))
        versions = self.versions[message.type_url]
        versions.update((each.name, each.version) for each in message.resources)
        for name in message.removed_resources:
            versions.pop(name, None)
        if message.type_url == RDS:
            self._take_tables(message)
            return set()
        return self._take_hosts(message)

    def answer(self) -> None:
        type_url, nonce = self.unanswered.pop(0)
        self._send(type_url, response_nonce=nonce)

    def _take_tables(self, message: Any) -> None:
        for each in message.resources:
            if each.name in self.wanted:
                self.tables.setdefault(each.name, {})
        if self.tables and not self.opened:
            self.opened = True
            self._send(VHDS)

    def _take_hosts(self, message: Any) -> set[str]:
        changed = {name.rpartition("/")[0] for name in message.removed_resources} & self.tables.keys()
        for name in message.removed_resources:
            self.tables.get(name.rpartition("/")[0], {}).pop(name, None)
        for each in message.resources:
            table = each.name.rpartition("/")[0]
            if table in self.tables:
                changed.add(table)
                self.tables[table][each.name] = each.resource.value.decode()
        for table in changed:
            domains = [domain for host in self.tables[table].values() for domain in host.split(",")]
            assert len(domains) == len(set(domains)), "Envoy would refuse the response"
        return changed

    def _send(self, type_url: str, **fields: Any) -> None:
        self.stream.receive(parse_request(encode_request(type_url, **fields)), self.time)


class HostMachine(RuleBasedStateMachine):
    """Tables of two ports; each holds a fallback, and hosts that share four domains."""

    def __init__(self) -> None:
        super().__init__()
        self.table = ResourceTable((CDS, LDS, VHDS))
        self.table.update([CLUSTER])
        self.current: dict[str, Hosts] = {}
        self.seen: dict[str, list[Hosts]] = {name: [] for name in TABLES}
        self.envoy = Envoy(DeltaStream(self.table, 0.0, PACING))

    @initialize()
    def connect(self) -> None:
        self._put("80", {"80/a": "d0", "80/allow_any": "*"})
        self.envoy.want("80")

    @rule(table=tables, chosen=owners, catch_all=st.booleans())
    def change(self, table: str, chosen: list[str], catch_all: bool) -> None:
        domains: dict[str, list[str]] = {("a" if catch_all else "allow_any"): ["*"]}
        for number, owner in enumerate(chosen):
            if owner:
                domains.setdefault(owner, []).append(f"d{number}")
        self._put(table, {f"{table}/{owner}": ",".join(found) for owner, found in domains.items()})

    @rule(table=tables)
    def remove_table(self, table: str) -> None:
        """No listener refers to it any more."""
        hosts = self.current.pop(table, {})
        self._tell([], [(RDS, table), *((VHDS, name) for name in hosts)])

    @rule(table=tables)
    def want(self, table: str) -> None:
        if table not in self.envoy.wanted:
            self.envoy.want(table)

    @rule(table=tables)
    def forget(self, table: str) -> None:
        if table in self.envoy.wanted:
            self.envoy.forget(table)

    @rule(table=tables)
    def make_anew(self, table: str) -> None:
        """Its last listener goes and another comes, before Envoy tells either."""
        if table in self.envoy.wanted:
            self.envoy.make_anew(table)

    @rule(times=st.integers(1, 3))
    def poll(self, times: int) -> None:
        for _ in range(times):
            self._poll()

    @rule()
    def answer(self) -> None:
        if self.envoy.unanswered:
            self.envoy.answer()

    @rule()
    def reconnect(self) -> None:
        self.envoy.reconnect(self._stream(), self._poll)

    @rule()
    def settle(self) -> None:
        while self._poll() or self.envoy.unanswered or self._time_passes():
            if self.envoy.unanswered:
                self.envoy.answer()
        for name in self.envoy.wanted & self.current.keys():
            assert self.envoy.tables[name] == self.current[name]

    def teardown(self) -> None:
        self.settle()

    def _poll(self) -> bool:
        data = self.envoy.stream.poll(self.envoy.time)
        for name in self.envoy.take(b"".join(data)) if data is not None else ():
            assert self.envoy.tables[name] in self.seen[name], f"table {name} was never so"
        return data is not None

    def _time_passes(self) -> bool:
        wake_at = self.envoy.stream.wake_at(self.envoy.time)
        if wake_at is not None:
            self.envoy.time = wake_at
        return wake_at is not None

    def _stream(self) -> DeltaStream:
        return DeltaStream(self.table, self.envoy.time, PACING)

    def _put(self, table: str, hosts: Hosts) -> None:
        gone = self.current.get(table, {}).keys() - hosts.keys()
        self.current[table] = hosts
        self.seen[table].append(hosts)
        resources: list[Resource] = [resource(VHDS, name, domains.encode()) for name, domains in hosts.items()]
        self._tell([resource(RDS, table, b"frame"), *resources], [(VHDS, name) for name in gone])

    def _tell(self, resources: list[Resource], removed: list[tuple[str, str]]) -> None:
        self.envoy.stream.changed(self.table.update(resources, removed))


TestHosts = HostMachine.TestCase
TestHosts.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
