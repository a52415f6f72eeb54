"""Resources that stand over others."""

from weft.envoy.built import Overlaid
from weft.envoy.resource import Resource, resource


def table(**bodies: bytes) -> dict[str, Resource]:
    return {name: resource("type", name, body) for name, body in bodies.items()}


def test_what_is_above_hides_what_is_below() -> None:
    below, above = table(a=b"1", b=b"1"), table(b=b"2", c=b"2")
    found = Overlaid(below, above)
    assert dict(found) == {**below, **above}
    assert len(found) == 3
    assert "a" in found
    assert "d" not in found
    assert found.get("d") is None


def test_tables_are_the_same_if_they_stand_on_the_same() -> None:
    below = table(a=b"1")
    assert Overlaid(below, table(b=b"2")) == Overlaid(below, table(b=b"2"))
    assert Overlaid(below, table(b=b"2")) != Overlaid(below, table(b=b"3"))
    assert Overlaid(below, table(b=b"2")) != Overlaid(dict(below), table(b=b"2"))
    assert Overlaid(below, {}) != below
