"""Files and commands: whoever wrote last is right, also when nobody looked."""

import pytest
from tests.unit.sources.local.world import KINDS, Clock, Folder, bodies, config_map, ref

from weft.base.issues import Issue, LocatedIssue, Position
from weft.model.decode import Decoder
from weft.sources.changes import Changes
from weft.sources.local.store import ObjectStore
from weft.sources.state import MemoryTables

MAP = ref("ConfigMap", "colours")


class Shop:
    """A store with its files."""

    def __init__(self) -> None:
        self.clock, self.tables = Clock(), MemoryTables()
        self.folder = Folder(self.clock)
        self.store = self.start()

    def start(self) -> ObjectStore:
        self.store = ObjectStore(Decoder(KINDS), self.folder, self.tables, self.clock)
        return self.store

    def write(self, data: str) -> None:
        self.store.take(self.folder.write(config_map("colours", data)))

    def apply(self, data: str) -> None:
        (body,) = bodies(config_map("colours", data))
        self.store.put(MAP, body)

    def data(self) -> dict[str, str] | None:
        value = self.store.value(MAP)
        return value.spec.data if value is not None else None  # type: ignore[union-attr]


@pytest.fixture
def shop() -> Shop:
    return Shop()


def test_a_command_wins_over_the_file_until_the_file_changes(shop: Shop) -> None:
    shop.write("{sky: blue}")
    shop.apply("{sky: red}")
    assert shop.data() == {"sky": "red"}
    shop.store.take(shop.folder.write(config_map("other", "{}")))
    assert shop.data() == {"sky": "red"}
    shop.write("{sky: grey}")
    assert shop.data() == {"sky": "grey"}


def test_what_was_deleted_by_command_comes_back_when_its_file_changes(shop: Shop) -> None:
    shop.write("{sky: blue}")
    assert shop.store.delete(MAP)
    assert shop.data() is None
    assert shop.store.refs("ConfigMap") == []
    assert not shop.store.delete(MAP)
    shop.write("{sky: grey}")
    assert shop.data() == {"sky": "grey"}


def test_what_is_in_no_file_is_there_until_it_is_deleted(shop: Shop) -> None:
    shop.apply("{sky: red}")
    assert shop.start().refs("ConfigMap") == [MAP]
    assert shop.store.delete(MAP)
    assert shop.start().refs("ConfigMap") == []


def test_after_a_start_everything_that_commands_said_is_told(shop: Shop) -> None:
    shop.apply("{sky: red}")
    assert shop.start().take(Changes({}, frozenset())) == {MAP}
    assert shop.store.take(Changes({}, frozenset())) == set()


def test_a_command_over_a_file_that_changed_meanwhile_is_outdated(shop: Shop) -> None:
    shop.write("{sky: blue}")
    shop.apply("{sky: red}")
    shop.folder.write(config_map("colours", "{sky: grey}"))
    shop.start().take(shop.folder.everything())
    assert shop.data() == {"sky": "grey"}


@pytest.mark.parametrize("command", ["apply", "delete"])
def test_a_command_over_a_file_that_went_away_meanwhile_is_outdated(shop: Shop, command: str) -> None:
    shop.write("{sky: blue}")
    if command == "apply":
        shop.apply("{sky: red}")
    else:
        shop.store.delete(MAP)
    shop.folder.remove(MAP)
    assert shop.start().take(shop.folder.everything()) == {MAP}
    assert shop.data() is None
    assert shop.tables.load("overlay") == {}


def test_nothing_is_outdated_while_a_part_of_the_folder_can_not_be_seen(shop: Shop) -> None:
    shop.write("{sky: blue}")
    shop.apply("{sky: red}")
    shop.start().take(Changes({}, frozenset(), complete=False))
    assert shop.data() == {"sky": "red"}
    assert not shop.store.complete
    shop.store.take(shop.folder.everything())
    assert shop.data() == {"sky": "red"}
    assert shop.store.complete


def test_the_age_of_an_object_is_that_of_the_first_who_said_it(shop: Shop) -> None:
    shop.write("{sky: blue}")
    shop.clock.now += 60
    shop.apply("{sky: red}")
    assert [value.metadata.created for value in [shop.store.value(MAP)] if value] == [1_000]
    (body,) = bodies(config_map("new", "{}"))
    shop.store.put(ref("ConfigMap", "new"), body)
    assert [value.metadata.created for value in [shop.store.value(ref("ConfigMap", "new"))] if value] == [1_060]


def test_bodies_and_places_are_those_of_who_said_it_last(shop: Shop) -> None:
    shop.write("{sky: blue}")
    shop.store.take(shop.folder.write(config_map("other", "{}")))
    assert shop.store.position(MAP) == Position("/mesh/objects.yaml", 1)
    shop.apply("{sky: red}")
    assert shop.store.position(MAP) is None
    assert shop.store.place(MAP) == Position("/mesh/objects.yaml", 1)
    found = shop.store.body(MAP)
    assert found is not None
    assert found["data"] == {"sky": "red"}
    other = ref("ConfigMap", "other")
    several = shop.store.bodies([MAP, other, ref("ConfigMap", "none")])()
    assert {each.name: body["data"] for each, body in several.items()} == {"colours": {"sky": "red"}, "other": {}}


def test_a_body_that_is_changed_by_who_asked_for_it_changes_nothing(shop: Shop) -> None:
    shop.apply("{sky: red}")
    found = shop.store.body(MAP)
    assert found is not None
    found["data"]["sky"] = "green"
    assert shop.data() == {"sky": "red"}
    assert shop.store.body(MAP) != found


def test_what_is_wrong_with_a_file_is_hidden_by_a_command_over_it(shop: Shop) -> None:
    located = LocatedIssue(Issue("WEFT0102", "warning", MAP, "", "odd"))
    shop.store.take(Changes({}, frozenset(), (located,)))
    assert list(shop.store.issues()) == [located]
    shop.apply("{sky: red}")
    assert list(shop.store.issues()) == []


def test_what_is_wrong_with_an_applied_object_is_told(shop: Shop) -> None:
    (body,) = bodies(config_map("colours", "{}") + "imutable: true")
    shop.store.put(MAP, body)
    assert [located.issue.path for located in shop.store.issues()] == ["imutable"]


def test_keys_are_found_by_kind(shop: Shop) -> None:
    shop.write("{}")
    shop.store.take(shop.folder.write("{apiVersion: v1, kind: Secret, metadata: {name: a, namespace: shop}}"))
    assert shop.store.refs("Secret") == [ref("Secret", "a")]
    assert shop.store.refs("Secret", "ConfigMap") == [ref("Secret", "a"), MAP]
    shop.store.take(shop.folder.remove(MAP))
    assert shop.store.refs("Secret", "ConfigMap") == [ref("Secret", "a")]
