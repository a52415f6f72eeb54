"""State of the world, rule by rule; `test_state_stream_model` has them together."""

from tests.unit.serve.ads.state_client import StateClient, state_stream

from weft.base import protobuf
from weft.envoy.resource import Resource, resource
from weft.envoy.type_urls import CDS, EDS, LDS, RDS, VHDS
from weft.serve.ads.views import ResourceTable

ROUTES = "envoy.config.route.v3.RouteConfiguration"


def thing(type_url: str, name: str, content: str = "1") -> Resource:
    """A resource whose body is its name and any content."""
    return resource(type_url, name, f"{name}={content}".encode())


class Mesh:
    """A view and a client of it."""

    def __init__(self, *resources: Resource) -> None:
        self.table = ResourceTable((CDS, LDS, VHDS))
        self.table.update(resources)
        self.client = StateClient(state_stream(self.table))

    def set(self, *resources: Resource, removed: tuple[tuple[str, str], ...] = ()) -> None:
        self.client.stream.changed(self.table.update(resources, removed))

    def told(self) -> list[tuple[str, list[str]]]:
        """Types and names of the responses until nothing is left."""
        before = len(self.client.seen)
        self.client.settle()
        return [(each.type_url, sorted(each.resources)) for each in self.client.seen[before:]]


def test_clusters_and_listeners_are_always_told_all_together() -> None:
    mesh = Mesh(thing(CDS, "a"), thing(CDS, "b"))
    mesh.client.ask(CDS)
    assert mesh.told() == [(CDS, ["a", "b"])]
    mesh.set(thing(CDS, "c"))
    assert mesh.told() == [(CDS, ["a", "b", "c"])]
    mesh.set(removed=((CDS, "a"),))
    assert mesh.told() == [(CDS, ["b", "c"])]


def test_that_there_are_none_is_told() -> None:
    mesh = Mesh()
    mesh.client.ask(CDS)
    assert mesh.told() == [(CDS, [])]


def test_of_endpoints_only_what_changed_is_told() -> None:
    mesh = Mesh(thing(EDS, "a"), thing(EDS, "b"))
    mesh.client.ask(EDS, "a", "b", "none")
    assert mesh.told() == [(EDS, ["a", "b"])]
    mesh.set(thing(EDS, "b", "2"), removed=((EDS, "a"),))
    assert mesh.told() == [(EDS, ["b"])]
    mesh.set(removed=((EDS, "b"),))
    assert mesh.told() == [], "there is no word for what is gone"


def test_names_that_come_later_are_told_and_others_are_not_told_again() -> None:
    mesh = Mesh(thing(EDS, "a"), thing(EDS, "b"))
    mesh.client.ask(EDS, "a")
    mesh.told()
    mesh.client.ask(EDS, "a", "b")
    assert mesh.told() == [(EDS, ["b"])]
    mesh.client.ask(EDS, "b")
    assert mesh.told() == []
    mesh.client.ask(EDS, "a", "b")
    assert mesh.told() == [(EDS, ["a"])], "it was given up in between"


def test_naming_ends_the_wildcard_and_no_name_is_then_nothing() -> None:
    mesh = Mesh(thing(CDS, "a"), thing(CDS, "b"))
    mesh.client.ask(CDS)
    mesh.told()
    mesh.client.ask(CDS, "b")
    mesh.told()
    mesh.set(thing(CDS, "a", "2"))
    assert mesh.told() == []
    mesh.set(thing(CDS, "b", "2"))
    assert mesh.told() == [(CDS, ["b"])]
    mesh.client.ask(CDS)
    mesh.set(thing(CDS, "b", "3"))
    assert mesh.told() == []


def test_a_stale_request_asks_for_nothing() -> None:
    mesh = Mesh(thing(EDS, "a"), thing(EDS, "b"))
    mesh.client.ask(EDS, "a")
    mesh.client.settle()
    mesh.set(thing(EDS, "a", "2"))
    assert mesh.client.poll() is not None
    mesh.client.ask(EDS, "b")  # with the nonce of the response before
    assert mesh.client.poll() is None
    mesh.client.answer()
    assert mesh.told() == [(EDS, ["b"])], "it asks again with its answer"


def test_equal_contents_have_equal_versions_on_all_streams() -> None:
    first, second = Mesh(thing(CDS, "a")), Mesh(thing(CDS, "a"))
    for mesh in (first, second):
        mesh.client.ask(CDS)
        mesh.told()
    second.set(thing(CDS, "a", "2"))
    second.told()
    versions = [each.version for mesh in (first, second) for each in mesh.client.seen]
    assert versions[0] == versions[1] != versions[2]


def test_what_is_referred_to_stays_until_nothing_refers_to_it() -> None:
    """Make before break: the old cluster is told again as it was, and goes when the listeners have changed."""
    mesh = Mesh(thing(CDS, "old"), thing(LDS, "http", "to old"))
    mesh.client.ask(CDS)
    mesh.client.ask(LDS)
    mesh.client.settle()
    mesh.set(thing(CDS, "new"), thing(LDS, "http", "to new"), removed=((CDS, "old"),))
    assert mesh.told() == [(CDS, ["new", "old"]), (LDS, ["http"]), (CDS, ["new"])]


def test_endpoints_are_told_again_behind_the_clusters_that_changed() -> None:
    mesh = Mesh(*(thing(kind, name) for kind in (CDS, EDS) for name in "ab"))
    mesh.client.ask(CDS)
    mesh.client.ask(EDS, "a", "b")
    mesh.client.settle()
    mesh.set(thing(CDS, "b", "2"))
    assert mesh.told() == [(CDS, ["a", "b"]), (EDS, ["b"])]


def test_what_was_refused_is_told_again_when_it_changes() -> None:
    mesh = Mesh(thing(CDS, "a"), thing(CDS, "b", "bad"))
    mesh.client.ask(CDS)
    mesh.client.settle()
    (clusters,) = mesh.client.stream.subscriptions
    assert clusters.refused == {"a", "b"}
    assert CDS not in mesh.client.kept
    mesh.set(thing(CDS, "b", "good"))
    assert mesh.told() == [(CDS, ["a", "b"])]
    assert not clusters.refused


def test_tables_have_their_hosts_inside() -> None:
    frame = protobuf.new(ROUTES, name="80", vhds={"config_source": {"ads": {}}}, virtual_hosts=[{"name": "own"}])
    mesh = Mesh(resource(RDS, "80", protobuf.serialize(frame)), host("80/a"), host("81/b"))
    mesh.client.ask(RDS, "80")
    mesh.client.ask(VHDS)
    assert hosts(mesh) == [["own", "80/a"]]
    mesh.set(host("80/c"))
    assert hosts(mesh) == [["own", "80/a", "80/c"]]
    mesh.set(host("81/d"))
    assert hosts(mesh) == [], "it is of another table"
    mesh.set(removed=((VHDS, "80/a"),))
    assert hosts(mesh) == [["own", "80/c"]]


def host(name: str) -> Resource:
    return resource(
        VHDS, name, protobuf.serialize(protobuf.new("envoy.config.route.v3.VirtualHost", name=name, domains=[name]))
    )


def hosts(mesh: Mesh) -> list[list[str]]:
    """The hosts of the tables that come until nothing is left."""
    found = []
    while (data := mesh.client.stream.poll(mesh.client.time)) is not None:
        response = protobuf.parse("envoy.service.discovery.v3.DiscoveryResponse", b"".join(data))
        for each in response.resources:  # type: ignore[attr-defined]
            table = protobuf.parse(ROUTES, each.value)
            assert not table.HasField("vhds")
            found.append([inner.name for inner in table.virtual_hosts])  # type: ignore[attr-defined]
        mesh.client.names.setdefault(response.type_url, [])  # type: ignore[attr-defined]
        mesh.client._nonce[response.type_url] = response.nonce  # type: ignore[attr-defined]
        mesh.client._send(response.type_url)  # type: ignore[attr-defined]
    return found
