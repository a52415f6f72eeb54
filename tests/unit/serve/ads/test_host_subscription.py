"""What is told of virtual hosts, rule by rule; `test_host_stream_model` has them together."""

import pytest
from tests.unit.serve.ads.client import Client, bad, item

from weft.envoy.resource import Resource
from weft.envoy.type_urls import CDS, RDS, VHDS
from weft.serve.ads.stream import DeltaStream, Pacing
from weft.serve.ads.views import ResourceTable


def connected(*resources: Resource) -> tuple[ResourceTable, Client]:
    """A client that has the tables 80 and 81 of a mesh, and now asks for their hosts."""
    table = ResourceTable((CDS, VHDS))
    table.update([item(RDS, "80"), item(RDS, "81"), *resources])
    client = Client(DeltaStream(table, 0.0, Pacing(ack=5.0, removal=10.0)))
    client.subscribe(RDS, "80")
    client.settle()
    client.subscribe(VHDS)
    return table, client


def told(client: Client) -> list[tuple[set[str], list[str]]]:
    """Names that the client is told until nothing is left: of hosts, and of those that are gone."""
    before = len(client.seen)
    client.settle()
    return [(set(each.versions), each.removed) for each in client.seen[before:] if each.type_url == VHDS]


def test_hosts_come_for_the_tables_that_were_asked_for() -> None:
    table, client = connected(item(VHDS, "80/a"), item(VHDS, "81/b"))
    assert told(client) == [({"80/a"}, [])]
    client.stream.changed(table.update([item(VHDS, "81/b", "2")]))
    assert told(client) == [], "it would be lost"
    client.subscribe(RDS, "81")
    assert told(client) == [({"81/b"}, [])]


def test_hosts_come_in_one_response(monkeypatch: pytest.MonkeyPatch) -> None:
    """A listener serves once its table has any; the rest must not be missing then."""
    monkeypatch.setattr("weft.serve.ads.batches.MAX_RESPONSE_BYTES", 100)
    names = {f"80/h{number}" for number in range(50)}
    _, client = connected(*(item(VHDS, name) for name in names))
    assert told(client) == [(names, [])]


def test_hosts_wait_for_the_clusters_that_come_with_them() -> None:
    table, client = connected(item(VHDS, "80/a"))
    client.subscribe(CDS)
    client.settle()
    client.stream.changed(table.update([item(CDS, "new"), item(VHDS, "80/a", "to new")]))
    first = client.poll()
    assert first is not None
    assert first.type_url == CDS
    assert client.poll() is None
    client.answer()
    second = client.poll()
    assert second is not None
    assert second.type_url == VHDS


def test_hosts_of_a_table_that_is_gone_stay_until_it_is_back() -> None:
    """Envoy keeps the table for requests on their way."""
    table, client = connected(item(VHDS, "80/a"), item(VHDS, "80/b"))
    client.settle()
    client.stream.changed(table.update([], [(RDS, "80"), (VHDS, "80/a"), (VHDS, "80/b")]))
    assert told(client) == []
    assert not any(each.pending for each in client.stream.subscriptions), "it is not what it waits for"
    client.stream.changed(table.update([item(RDS, "80"), item(VHDS, "80/a", "2")]))
    assert told(client) == [({"80/a"}, ["80/b"])]


def test_a_client_that_drops_a_table_hears_that_its_hosts_are_gone() -> None:
    """Else it would tell at reconnection that it has them."""
    _, client = connected(item(VHDS, "80/a"))
    client.settle()
    client.subscribe(RDS, unsubscribe=["80"])
    assert told(client) == [(set(), ["80/a"])]
    client.subscribe(RDS, "80")
    assert told(client) == [({"80/a"}, [])]


def test_what_a_client_tells_of_tables_that_it_has_is_not_sent_again() -> None:
    table, client = connected(item(VHDS, "80/a"), item(VHDS, "80/b"))
    client.settle()
    table.update([item(VHDS, "80/b", "2")])
    client.reconnect(DeltaStream(table, 0.0))
    assert told(client) == [({"80/b"}, [])]


def test_what_is_refused_alone_is_tried_once_more_when_others_were_taken() -> None:
    _, client = connected(bad(VHDS, "80/a"), item(VHDS, "80/b"))
    assert told(client) == [({"80/a", "80/b"}, []), ({"80/a"}, []), ({"80/b"}, []), ({"80/a"}, [])]


def test_a_stream_that_breaks_before_a_tables_hosts_came_does_not_leave_it_empty() -> None:
    """The client has the table anew, and still tells the hosts of the former one, which it has forgotten with it."""
    table, client = connected(item(VHDS, "80/a"))
    client.settle()
    client.subscribe(RDS, "80")  # it dropped it and came back to it before it could say so
    while client.inbox or client.poll():
        if client.inbox[0].type_url == VHDS:
            break  # it is lost
        client.answer()
    assert set(client.kept[VHDS].versions) == {"80/a"}
    client.reconnect(DeltaStream(table, client.time))
    assert told(client) == [({"80/a"}, [])]
    client.reconnect(DeltaStream(table, client.time))
    assert told(client) == [], "now it has them"


def test_a_client_that_comes_back_and_asks_for_a_table_anew_is_not_believed_twice() -> None:
    """It has told hosts of a table that it does not have; the next stream breaks, too."""
    table, client = connected(item(CDS, "cluster"), item(VHDS, "80/a"))
    client.subscribe(CDS)
    client.settle()
    client.kept = {CDS: client.kept.pop(CDS), **client.kept}  # Envoy tells it first
    client.kept[RDS].versions.clear()
    client.reconnect(DeltaStream(table, client.time))
    first = client.poll()
    assert first is not None
    assert first.type_url == RDS
    client.answer()
    client.reconnect(DeltaStream(table, client.time))
    assert told(client) == [({"80/a"}, [])]
    client.reconnect(DeltaStream(table, client.time))
    before = len(client.seen)
    client.settle()
    assert client.seen[before:] == [], "tables and hosts are known under their true versions"
