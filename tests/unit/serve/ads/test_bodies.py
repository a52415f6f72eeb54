"""Bytes that streams have in common are joined once, and are held within bounds."""

from tests.unit.serve.ads.client import WHOLE, Client, item

from weft.envoy.type_urls import CDS, EDS
from weft.serve.ads.bodies import Bodies
from weft.serve.ads.stream import DeltaStream
from weft.serve.ads.views import ResourceTable


def test_streams_that_are_told_the_same_share_its_bytes() -> None:
    bodies, table = Bodies(), ResourceTable(WHOLE)
    table.update([item(CDS, "a"), item(CDS, "b")])
    streams = [DeltaStream(table, 0.0, bodies=bodies) for _ in range(3)]
    for stream in streams:
        Client(stream).subscribe(CDS)
    first, second, third = (stream.poll(0.0) for stream in streams)
    assert first is not None
    assert second is not None
    assert third is not None
    assert first[0] is second[0] is third[0]


def test_other_content_under_the_same_name_is_never_mistaken() -> None:
    bodies = Bodies()
    for content in ("1", "2", "3"):
        assert content.encode() in bodies.body(EDS, (item(EDS, "a", content),))


def test_what_was_used_last_stays() -> None:
    big = [item(EDS, name, "x" * 1_000) for name in "abc"]
    bodies = Bodies(2_500)
    first = bodies.body(EDS, (big[0],))
    second = bodies.body(EDS, (big[1],))
    assert bodies.body(EDS, (big[0],)) is first
    bodies.body(EDS, (big[2],))
    assert bodies.body(EDS, (big[0],)) is first
    assert bodies.body(EDS, (big[1],)) is not second


def test_what_is_larger_than_all_room_is_made_all_the_same() -> None:
    bodies, large = Bodies(10), (item(EDS, "a", "x" * 100),)
    first = bodies.body(EDS, large)
    assert len(first) > 100
    assert bodies.body(EDS, large) is not first, "it was not kept"
