"""Tables are compared once, however many show them."""

from weft.apps.parts import Comparison
from weft.envoy.built import Overlaid
from weft.envoy.resource import Resource, resource


class Counted(dict[str, Resource]):
    """A table that counts how often it is looked through."""

    looks = 0

    def items(self):  # type: ignore[no-untyped-def] # noqa: ANN201 - as dict's own
        self.looks += 1
        return super().items()


def table(**bodies: bytes) -> Counted:
    return Counted({name: resource("type", name, body) for name, body in bodies.items()})


def test_names_that_differ_are_found_in_layers() -> None:
    old, new = table(a=b"1", b=b"1", c=b"1"), table(a=b"2", b=b"2", d=b"1")
    own, other = table(b=b"own", c=b"1"), table(b=b"own")
    found = Comparison()
    assert found.different(old, new) == {"a", "b", "c", "d"}
    assert found.different(Overlaid(old, own), Overlaid(new, other)) == {"a", "c", "d"}
    assert found.different(Overlaid(old, own), Overlaid(old, other)) == set()
    assert found.different(old, Overlaid(new, other)) == {"a", "b", "c", "d"}


def test_tables_that_many_stand_on_are_looked_through_once() -> None:
    old, new = table(a=b"1"), table(a=b"2")
    found = Comparison()
    for number in range(5):
        own = table(b=bytes((number,)))
        assert found.different(Overlaid(old, own), Overlaid(new, own)) == {"a"}
        assert found.different(old, new) == {"a"}
    assert new.looks == 1
    found.forget()
    assert found.different(old, new) == {"a"}
    assert new.looks == 2
