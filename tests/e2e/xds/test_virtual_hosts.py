"""Real Envoys take virtual hosts one by one (VHDS): pushed before anybody asks, changed, moved and removed."""

import asyncio
from collections.abc import Callable

import pytest
from tests.e2e.xds.harness import (
    POD,
    ControlPlane,
    Envoy,
    Load,
    back,
    cluster,
    endpoints,
    front,
    host,
    make,
    request,
    table_in_parts,
    until,
)

from weft.envoy.resource import Resource
from weft.envoy.type_urls import CDS, EDS, LDS, RDS, VHDS

pytestmark = pytest.mark.isolation("userns", here=True)
Start = Callable[..., Envoy]

FALLBACK = host("other", 299, "*")


def served(*hosts: Resource) -> tuple[Resource, ...]:
    """A listener whose table comes in parts, and where they lead."""
    return cluster("back"), endpoints("back"), front(), back(), table_in_parts(), FALLBACK, *hosts


def answers(asked: str, status: int, port: int = 18000) -> Callable[[], object]:
    async def check() -> bool:
        return (await request(port, asked)).status == status

    return check


def synced(plane: ControlPlane) -> Callable[[], object]:
    return lambda: bool(plane.statuses()) and set(plane.statuses().values()) == {"SYNCED"}


def subscribed(plane: ControlPlane, type_url: str) -> int | None:
    """How many resources of a type the Envoy asks for by name."""
    states = plane.registry.states()
    return next((t.subscribed for t in states[0].types if t.type_url == type_url), None) if states else None


async def test_a_listener_serves_nothing_before_its_hosts_are_there(plane: ControlPlane, start_envoy: Start) -> None:
    """Of a thousand the last is there from the first answer on, at the start and for a listener that comes later."""
    many = [host(f"h{number:04}", 200, f"h{number:04}.test") for number in range(1_000)]
    plane.set(*served(*many))
    for port, table in ((18000, "routes"), (18003, "second")):
        if table == "second":
            later = [host(f"h{number:04}", 200, f"h{number:04}.test", table=table) for number in range(1_000)]
            plane.set(front(table, port, table), table_in_parts(table), host("other", 299, "*", table=table), *later)
        else:
            start_envoy(plane)
        seen = []
        while 200 not in seen:
            seen.append((await request(port, "h0999.test")).status)
        assert set(seen) <= {0, 200}, "no request may be answered out of half a table"
    assert not plane.nacks


async def test_a_host_that_changes_is_told_alone_and_no_request_fails(plane: ControlPlane, start_envoy: Start) -> None:
    """Each time it leads to a new cluster, which comes with it; the former one goes."""
    plane.set(*served(host("a", "back", "a.test"), host("b", 204, "b.test")))
    envoy = start_envoy(plane)
    await until(answers("a.test", 200))
    await until(synced(plane))
    tables = await envoy.stat("http.front.rds.routes.update_success")
    old = "back"
    async with Load(asked="a.test") as load:
        for number in range(10):
            new = f"back{number}"
            gone = ((CDS, old), (EDS, old))
            plane.set(cluster(new), endpoints(new), host("a", new, "a.test"), removed=gone)
            old = new
            await until(synced(plane))
    assert load.failed == []
    assert await envoy.stat("http.front.rds.routes.update_success") == tables, "the table itself was not sent again"
    assert f'"{old}"' in await envoy.dump()
    assert not plane.nacks


async def test_a_removed_host_is_gone(plane: ControlPlane, start_envoy: Start) -> None:
    plane.set(*served(host("a", "back", "a.test"), host("b", 204, "b.test")))
    start_envoy(plane)
    await until(answers("b.test", 204))
    async with Load(asked="a.test") as load:
        plane.set(removed=((VHDS, "routes/b"),))
        await until(answers("b.test", 299))
    assert load.failed == []


async def test_a_domain_moves_without_a_gap(plane: ControlPlane, start_envoy: Start) -> None:
    """From one host to another, back, to a new one whose predecessor goes, and with the fallback's part."""
    plane.set(*served(host("a", "back", "a.test", "moving.test"), host("b", "back", "b.test")))
    start_envoy(plane)
    await until(answers("moving.test", 200))
    async with Load(asked="moving.test") as load:
        for _ in range(5):
            plane.set(host("a", "back", "a.test"), host("b", "back", "b.test", "moving.test"))
            await until(synced(plane))
            plane.set(host("a", "back", "a.test", "moving.test"), host("b", "back", "b.test"))
            await until(synced(plane))
        plane.set(host("new", "back", "moving.test", "a.test"), removed=((VHDS, "routes/a"),))
        await until(synced(plane))
        plane.set(host("every", "back", "*"), removed=((VHDS, "routes/other"), (VHDS, "routes/new")))
        await until(answers("nobody.test", 200))
    assert load.failed == []
    assert not plane.nacks


async def test_a_bad_host_leaves_the_good_ones_alone(plane: ControlPlane, start_envoy: Start) -> None:
    """A domain moves in the same response: what is refused for the half of the move that is missing is tried again."""
    plane.set(*served(host("a", 200, "a.test"), host("z", 200, "z.test", "moving.test")))
    start_envoy(plane)
    await until(answers("moving.test", 200))
    bad = host("bad", 200, "bad.test", "bad.test")
    plane.set(host("a", 201, "a.test", "moving.test"), bad, host("z", 202, "z.test"))
    await until(answers("moving.test", 201))
    await until(answers("z.test", 202))
    await until(lambda: plane.statuses()["VirtualHost"] == "ERROR")
    await asyncio.sleep(0.5)
    assert plane.nacks[-1].names == ("routes/bad",)
    refused = len(plane.nacks)
    await asyncio.sleep(1.0)
    assert len(plane.nacks) == refused, "what was refused is not sent again and again"
    plane.set(host("bad", 203, "bad.test"))
    await until(answers("bad.test", 203))
    await until(synced(plane))


async def test_what_changed_while_it_was_away_is_told_at_reconnection(plane: ControlPlane, start_envoy: Start) -> None:
    """And nothing else is."""
    plane.set(*served(host("a", "back", "a.test"), host("b", 204, "b.test"), host("c", 205, "c.test")))
    start_envoy(plane)
    await until(answers("c.test", 205))
    async with Load(asked="a.test") as load:
        for changed in ((), (host("c", 206, "c.test"),)):
            await until(synced(plane))
            plane.registry.of_pod(POD.uid)[0].end()
            await until(lambda: not plane.statuses())
            plane.set(*changed, removed=((VHDS, "routes/b"),) if changed else ())
            await until(lambda: len(plane.statuses()) == 6)
            await asyncio.sleep(0.3)
            hosts = next(t for t in plane.registry.states()[0].types if t.type_url == VHDS)
            assert bool(hosts.nonce_sent) == bool(changed), "what an Envoy has is not sent again"
        await until(answers("c.test", 206))
        await until(answers("b.test", 299))
    assert load.failed == []


async def test_a_table_that_comes_back_has_its_own_hosts_only(plane: ControlPlane, start_envoy: Start) -> None:
    """Its listener goes, with all its hosts, and is made again at once or when the old one has drained.

    Then Envoy has forgotten the table, and hears that its hosts are gone, before and after it comes again.
    """
    second = (table_in_parts("second"), host("other", 299, "*", table="second"))
    plane.set(*served(host("a", "back", "a.test")))
    start_envoy(plane)
    await until(answers("a.test", 200))
    for drained in (False, True, True):
        old = (host("old", 207, "old.test", table="second"), host("kept", 208, "kept.test", table="second"))
        plane.set(front("second", 18003, "second"), *second, *old)
        await until(answers("old.test", 207, 18003))
        gone = ((LDS, "second"), (RDS, "second"), *((VHDS, f"second/{name}") for name in ("other", "old", "kept")))
        plane.set(removed=gone)
        await until(answers("old.test", 0, 18003))
        if drained:
            await until(lambda: subscribed(plane, RDS) == 1)
            plane.registry.of_pod(POD.uid)[0].end()
            await until(lambda: not plane.statuses())
            await until(lambda: len(plane.statuses()) == 6)
            assert not any(t.nonce_sent for t in plane.registry.states()[0].types), "it tells of no host that is gone"
        plane.set(front("second", 18003, "second"), *second, host("kept", 209, "kept.test", table="second"))
        await until(answers("kept.test", 209, 18003))
        assert (await request(18003, "old.test")).status == 299
        await until(synced(plane))
    assert not plane.nacks


async def test_a_change_of_the_table_itself_keeps_its_hosts(plane: ControlPlane, start_envoy: Start) -> None:
    plane.set(*served(host("a", "back", "a.test")))
    start_envoy(plane)
    await until(answers("a.test", 200))
    async with Load(asked="a.test") as load:
        for number in range(5):
            header = {"header": {"key": "x-number", "value": str(number)}}
            parts = {
                "vhds": {"config_source": {"ads": {}, "resource_api_version": "V3", "initial_fetch_timeout": "0s"}}
            }
            plane.set(make(RDS, {"name": "routes", **parts, "response_headers_to_add": [header]}))
            await until(synced(plane))
    assert load.failed == []
    assert (await request(asked="a.test"))["x-number"] == "4"
