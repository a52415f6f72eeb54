"""Reading what files say of many objects at once."""

from pathlib import Path
from unittest.mock import patch

import pytest
from tests.unit.sources.directory.test_source import Folder, ref, road

from weft.sources.directory.chunks import Chunk


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    root = tmp_path / "config"
    root.mkdir()
    return Folder(root)


def test_every_object_is_what_its_own_file_says(folder: Folder) -> None:
    folder.write("a.yaml", road("one") + "---\n" + road("two", "{lanes: 2}"))
    folder.write("b.yaml", road("three"))
    folder.scan()
    wanted = [ref("two"), ref("three"), ref("none")]
    found = folder.source.bodies(wanted)
    assert {each.name: body for each, body in found.items()} == {
        name: folder.source.body(ref(name)) for name in ("two", "three")
    }


def test_a_list_of_many_is_parsed_once(folder: Folder) -> None:
    items = "".join(f"- metadata: {{name: road-{number}, namespace: shop}}\n" for number in range(50))
    folder.write("list.yaml", f"apiVersion: test.weft.dev/v1\nkind: RoadList\nitems:\n{items}")
    folder.scan()
    with patch.object(Chunk, "parse", autospec=True, side_effect=Chunk.parse) as parse:
        found = folder.source.bodies(ref(f"road-{number}") for number in range(50))
    assert len(found) == 50
    assert parse.call_count == 1


def test_what_is_unreadable_says_nothing(folder: Folder) -> None:
    folder.write("a.yaml", road("one") + "spec: [")
    folder.write("b.yaml", road("two"))
    folder.scan()
    assert list(folder.source.bodies([ref("one"), ref("two")])) == [ref("two")]


def test_a_folder_that_can_not_be_looked_at_is_not_complete(folder: Folder) -> None:
    folder.write("a.yaml", road("one"))
    assert folder.scan().complete
    folder.root.rename(folder.root.with_name("elsewhere"))
    assert not folder.scan().complete
