"""A folder of files as a source: what changes in it, what is wrong with it, and what survives."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.model.samples import KINDS, Road

from weft.base.issues import LocatedIssue, Ref
from weft.model.kinds import Kinds
from weft.model.objects import Broken, Object
from weft.sources.changes import Changes
from weft.sources.directory.limits import Limits
from weft.sources.directory.source import DirectorySource
from weft.sources.state import MemoryTables


class Clock:
    """A clock that is set by the test."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Folder:
    """A folder of a test, with the source that reads it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.tables = MemoryTables()
        self.clock = Clock()
        self.limits = Limits()
        self.source = self.start()

    def start(self) -> DirectorySource:
        """A new source over the same folder and state, as after a restart."""
        self.source = DirectorySource(self.root, Kinds(KINDS), self.tables, clock=self.clock, limits=self.limits)
        return self.source

    def write(self, name: str, text: str | bytes) -> Path:
        """Writes a file, dated back so that it counts as settled."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        past = time.time() - 60
        os.utime(path, (past, past))
        return path

    def scan(self) -> Changes:
        """Scans."""
        return self.source.scan()


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    root = tmp_path / "config"
    root.mkdir()
    return Folder(root)


def road(name: str, spec: str = "{}", namespace: str = "shop") -> str:
    return f"""apiVersion: test.weft.dev/v1
kind: Road
metadata:
  name: {name}
  namespace: {namespace}
spec: {spec}
"""


def ref(name: str, namespace: str = "shop") -> Ref:
    return Ref("Road.test.weft.dev", namespace, name)


def said(issues: tuple[LocatedIssue, ...], root: Path) -> list[str]:
    return [
        f"{Path(each.position.file).relative_to(root)}:{each.position.line}:{each.position.column} {each.issue.message}"
        for each in issues
        if each.position is not None
    ]


# ---- what changes ------------------------------------------------------------------------------------------------
def test_objects_of_all_files_are_found_recursively(folder: Folder) -> None:
    folder.write("a.yaml", f"{road('one')}---\n{road('two')}")
    folder.write("deep/er/b.yml", road("three"))
    folder.write("c.json", '{"apiVersion": "v1", "kind": "Box", "metadata": {"name": "four"}}')
    changes = folder.scan()
    assert {str(each) for each in changes.upserts} == {
        "Road shop/one",
        "Road shop/two",
        "Road shop/three",
        "Box default/four",
    }
    assert changes.issues == ()


@pytest.mark.parametrize("name", ["a.txt", ".a.yaml", "a.yaml~", ".a.yaml.swp", "#a.yaml#", "4913", ".git/a.yaml"])
def test_hidden_files_and_editors_leftovers_are_ignored(folder: Folder, name: str) -> None:
    folder.write(name, road("one"))
    assert not folder.scan()


def test_only_what_changed_is_told(folder: Folder) -> None:
    folder.write("a.yaml", f"{road('one')}---\n{road('two')}")
    folder.write("b.yaml", road("three"))
    folder.scan()
    assert not folder.scan()
    folder.write("a.yaml", f"# a comment\n{road('one')}---\n{road('two', '{enabled: true}')}")
    changes = folder.scan()
    assert set(changes.upserts) == {ref("two")}
    assert changes.deletes == frozenset()


def test_files_are_looked_at_by_name_where_only_those_have_changed(folder: Folder) -> None:
    folder.write("a.yaml", road("one"))
    folder.write("sub/b.yaml", road("two"))
    folder.scan()
    folder.write("a.yaml", road("three"))
    folder.write("sub/b.yaml", road("four"))
    folder.write("c.yaml", road("five"))
    changes = folder.source.scan({"a.yaml", "c.yaml", ".hidden.yaml", "notes.txt"})
    assert (set(changes.upserts), set(changes.deletes)) == ({ref("three"), ref("five")}, {ref("one")})
    (folder.root / "c.yaml").unlink()
    assert folder.source.scan({"c.yaml", "gone.yaml"}).deletes == {ref("five")}
    changes = folder.scan()
    assert (set(changes.upserts), set(changes.deletes)) == ({ref("four")}, {ref("two")})


def test_all_files_are_looked_at_where_a_name_leads_to_a_link(folder: Folder, tmp_path: Path) -> None:
    folder.write("a.yaml", road("one"))
    folder.scan()
    folder.write("b.yaml", road("two"))
    (tmp_path / "outside.yaml").write_text(road("three"))
    (folder.root / "c.yaml").symlink_to(tmp_path / "outside.yaml")
    assert set(folder.source.scan({"c.yaml"}).upserts) == {ref("two"), ref("three")}
    assert folder.source.restless


def test_a_file_that_changed_just_before_it_was_read_is_read_again_with_others(folder: Folder) -> None:
    path = folder.write("a.yaml", road("one"))
    os.utime(path)
    folder.scan()
    stamp = path.stat()
    path.write_text(road("two"))
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert set(folder.source.scan({"b.yaml"}).upserts) == {ref("two")}


def test_what_is_wrong_with_other_files_is_still_told(folder: Folder) -> None:
    folder.write("a.yaml", "a: [")
    folder.write("b.yaml", road("one"))
    found = said(folder.scan().issues, folder.root)
    folder.write("b.yaml", road("two"))
    changes = folder.source.scan({"b.yaml"})
    assert (set(changes.upserts), said(changes.issues, folder.root)) == ({ref("two")}, found)
    folder.write("a.yaml", road("three"))
    assert folder.source.scan({"a.yaml"}).issues == ()


def test_removed_objects_and_files_are_told(folder: Folder) -> None:
    folder.write("a.yaml", f"{road('one')}---\n{road('two')}")
    gone = folder.write("b.yaml", road("three"))
    folder.scan()
    folder.write("a.yaml", road("two"))
    gone.unlink()
    changes = folder.scan()
    assert changes.deletes == {ref("one"), ref("three")}
    assert changes.upserts == {}


def test_an_object_that_moves_to_another_file_does_not_change(folder: Folder) -> None:
    first = folder.write("a.yaml", road("one"))
    folder.scan()
    first.rename(folder.root / "z.yaml")
    assert not folder.scan()


def test_lists_are_unrolled(folder: Folder) -> None:
    item = "- apiVersion: test.weft.dev/v1\n  kind: Road\n  metadata: {name: %s}\n"
    folder.write(
        "a.yaml", "apiVersion: v1\nkind: List\nitems:\n" + item % "one" + item % "two" + "  spec: {hots: []}\n"
    )
    folder.write("b.yaml", "apiVersion: test.weft.dev/v1\nkind: RoadList\nitems: [{metadata: {name: three}}]\n")
    changes = folder.scan()
    assert {each.name for each in changes.upserts} == {"one", "two", "three"}
    assert said(changes.issues, folder.root) == ["a.yaml:10:10 unknown field `hots` in spec"]


def test_the_first_of_two_places_counts_and_one_message_names_both(folder: Folder) -> None:
    folder.write("b.yaml", f"# first\n{road('one', '{ratio: 0.2}')}")
    folder.write("a.yaml", road("one", "{ratio: 0.1}"))
    changes = folder.scan()
    value = changes.upserts[ref("one")]
    assert isinstance(value, Object)
    assert value.spec == Road(ratio=0.1)
    assert said(changes.issues, folder.root) == [f"b.yaml:2:1 Road shop/one is already in {folder.root}/a.yaml:1"]
    (folder.root / "a.yaml").unlink()
    after = folder.scan()
    assert after.issues == ()
    value = after.upserts[ref("one")]
    assert isinstance(value, Object)
    assert value.spec == Road(ratio=0.2)


def test_symbolic_links_are_followed_and_loops_are_not(folder: Folder, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a.yaml").write_text(road("one"))
    (folder.root / "link").symlink_to(outside)
    (folder.root / "loop").symlink_to(folder.root)
    (folder.root / "gone.yaml").symlink_to(tmp_path / "nowhere")
    changes = folder.scan()
    assert set(changes.upserts) == {ref("one")}
    assert len(changes.issues) == 1
    assert "gone.yaml" in str(changes.issues[0].position)
    assert folder.source.restless
    (outside / "a.yaml").write_text(road("two"))
    assert folder.scan().deletes == {ref("one")}


# ---- what is wrong -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "a: 'x'\nb\nc: 1\n",
            "bad.yaml:3:1 no YAML: could not find expected ':' (while scanning a simple key that begins in line 2)",
        ),
        ("a:\n\t- b\n", "bad.yaml:2:1 a tab is used to indent"),
        (b"a: \xff\n", "bad.yaml:1:4 the byte 0xff is not UTF-8"),
        ("\ufeffa: [".encode("utf-16"), "bad.yaml:1:1 the file is UTF-16"),
        ("a: &a [*a]\n", "bad.yaml:1:8 the alias *a stands inside of what it stands for"),
        ("x" * (5 * 2**20), "bad.yaml:0:1 the file has 5.0 MiB, more than the 4 MiB that are read"),
        ("- a\n", "bad.yaml:1:1 expected an object with apiVersion and kind, got a list"),
        ("kind: Road\n", "bad.yaml:1:1 `apiVersion` is missing or no text"),
        (road("bad", "{hots: []}"), "bad.yaml:6:8 unknown field `hots` in spec"),
        (road("bad", "{hosts: [1]}"), "bad.yaml:6:16 expected text, got a number"),
        (road("Bad"), "bad.yaml:4:3 'Bad' is no name: at most 253 lower-case letters, digits, `-` and `.`"),
        (road("bad").replace("Road", "Raod"), "bad.yaml:2:1 unknown kind Raod of test.weft.dev/v1; did you mean Road?"),
        (road("bad") + "extra: 1\nspec: {}\n", "bad.yaml:8:1 `spec` stands twice in the same place"),
        (
            road("bad").replace("/v1", "/v3"),
            "bad.yaml:1:1 unknown version test.weft.dev/v3 of Road: write test.weft.dev/v1 or test.weft.dev/v1beta1",
        ),
    ],
)
def test_bad_input_gives_one_clear_message_and_harms_nothing_else(
    folder: Folder, text: str | bytes, message: str
) -> None:
    folder.write("good.yaml", road("good"))
    folder.write("bad.yaml", text)
    changes = folder.scan()
    assert ref("good") in changes.upserts
    assert said(changes.issues, folder.root) == [message]
    assert changes.issues[0].issue.effect


def test_a_broken_object_is_told_as_broken(folder: Folder) -> None:
    folder.write("a.yaml", road("one", "{hots: []}"))
    changes = folder.scan()
    assert isinstance(changes.upserts[ref("one")], Broken)
    assert changes.issues[0].issue.ref == ref("one")


def test_one_unreadable_document_leaves_the_others_of_a_new_file(folder: Folder) -> None:
    folder.write("a.yaml", f"{road('one')}---\n{road('two', '{hosts: [')}---\n{road('three')}")
    changes = folder.scan()
    assert isinstance(changes.upserts[ref("one")], Object)
    assert isinstance(changes.upserts[ref("three")], Object)
    assert said(changes.issues, folder.root)[0].startswith("a.yaml:14:1 no YAML")


def test_what_an_unreadable_document_seems_to_be_fails_closed(folder: Folder) -> None:
    folder.write("a.yaml", road("policy", "{hosts: ["))
    folder.write("b.json", '{"apiVersion": "test.weft.dev/v1",\n "kind": "Guard",\n "metadata": {\n "name": "other"}')
    changes = folder.scan()
    broken = changes.upserts[ref("policy")]
    assert isinstance(broken, Broken)
    assert broken.body == {}
    assert isinstance(changes.upserts[Ref("Guard.test.weft.dev", "default", "other")], Broken)
    assert str(folder.source.position(ref("policy"), "spec")) == f"{folder.root}/a.yaml:1"
    assert folder.source.body(ref("policy")) is None


def test_a_fifo_does_not_block(folder: Folder) -> None:
    os.mkfifo(folder.root / "a.yaml")
    assert "is no regular file" in folder.scan().issues[0].issue.message


def test_too_many_objects_leave_out_the_last_files_and_come_back(folder: Folder) -> None:
    folder.limits = Limits(objects=2)
    folder.start()
    folder.write("b.yaml", f"{road('one')}---\n{road('two')}")
    folder.scan()
    first = folder.write("a.yaml", road("three"))
    changes = folder.scan()
    assert set(changes.upserts) == {ref("three")}
    assert changes.deletes == {ref("one"), ref("two")}
    assert "more objects than are read" in changes.issues[0].issue.message
    first.unlink()
    assert set(folder.scan().upserts) == {ref("one"), ref("two")}


# ---- what survives -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("broken", ["a: [", b"\xff", "x" * (5 * 2**20), "", " \n"])
def test_an_unreadable_file_counts_as_its_last_good_text(folder: Folder, broken: str | bytes) -> None:
    folder.write("a.yaml", road("one"))
    folder.scan()
    folder.write("a.yaml", broken)
    changes = folder.scan()
    assert not changes
    assert len(changes.issues) == 1
    assert changes.issues[0].issue.effect == "the file counts as it was when it could last be read"
    folder.start()
    assert set(folder.scan().upserts) == {ref("one")}
    assert folder.source.position(ref("one"), "metadata.name") is not None
    folder.write("a.yaml", road("two"))
    changes = folder.scan()
    assert set(changes.upserts) == {ref("two")}
    assert changes.deletes == {ref("one")}
    assert changes.issues == ()


def test_a_new_empty_file_and_one_with_a_comment_say_nothing(folder: Folder) -> None:
    folder.write("a.yaml", road("one"))
    folder.write("b.yaml", "")
    assert folder.scan().issues == ()
    folder.write("a.yaml", "# nothing any more\n")
    changes = folder.scan()
    assert changes.deletes == {ref("one")}
    assert changes.issues == ()


def test_a_file_that_ends_within_a_line_of_its_former_text_is_not_believed(folder: Folder) -> None:
    whole = f"{road('one')}---\n{road('two')}---\n{road('three')}"
    folder.write("a.yaml", whole)
    folder.scan()
    folder.write("a.yaml", whole[: whole.index("  name: two") + len("  name")])  # good YAML, but not the former object
    changes = folder.scan()
    assert not changes
    assert said(changes.issues, folder.root) == [
        "a.yaml:11:1 the file ends within a line of its former text, as one that was not saved to its end"
    ]
    folder.write("a.yaml", whole[: whole.index("---\n") - 1])  # an editor that leaves the last line without its end
    assert folder.scan().deletes == {ref("two"), ref("three")}


def test_a_folder_that_is_gone_takes_nothing_down(folder: Folder) -> None:
    folder.write("a.yaml", road("one"))
    folder.scan()
    away = folder.root.rename(folder.root.with_name("away"))
    changes = folder.scan()
    assert not changes
    assert len(changes.issues) == 1
    assert folder.source.restless
    away.rename(folder.root)
    assert not folder.scan().issues


def test_a_file_that_is_being_written_is_waited_for(folder: Folder) -> None:
    with (folder.root / "a.yaml").open("w") as file:
        file.write(road("one"))
        file.flush()
        assert not folder.scan()
        assert folder.source.restless
    assert set(folder.scan().upserts) == {ref("one")}


def test_a_half_written_file_counts_as_before_also_after_a_restart(folder: Folder) -> None:
    folder.write("a.yaml", f"{road('one')}---\n{road('two')}")
    folder.scan()
    folder.start()
    with (folder.root / "a.yaml").open("w") as file:
        file.write(road("one"))
        file.flush()
        assert set(folder.scan().upserts) == {ref("one"), ref("two")}
    assert folder.scan().deletes == {ref("two")}


def test_a_change_that_leaves_no_trace_in_the_files_date_is_seen(folder: Folder) -> None:
    path = folder.root / "a.yaml"
    path.write_text(road("one"))
    folder.scan()
    status = path.stat()
    path.write_text(road("two"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert set(folder.scan().upserts) == {ref("two")}


def test_objects_keep_the_time_when_they_were_first_seen(folder: Folder) -> None:
    def created(changes: Changes, name: str) -> int:
        return changes.upserts[ref(name)].metadata.created

    folder.write("a.yaml", road("one"))
    assert created(folder.scan(), "one") == 1_000
    folder.clock.now = 2_000
    folder.write("b.yaml", road("two"))
    assert created(folder.scan(), "two") == 2_000
    folder.start()
    changes = folder.scan()
    assert (created(changes, "one"), created(changes, "two")) == (1_000, 2_000)
    (folder.root / "a.yaml").unlink()
    folder.scan()
    folder.clock.now = 3_000
    folder.write("a.yaml", road("one"))
    assert created(folder.scan(), "one") == 3_000


def test_objects_of_one_scan_are_equally_old_however_long_it_takes(folder: Folder) -> None:
    ticks = iter(range(1_000, 2_000))
    source = DirectorySource(folder.root, Kinds(KINDS), folder.tables, clock=lambda: next(ticks))
    folder.write("a.yaml", f"{road('one')}---\n{road('two')}")
    folder.write("b.yaml", road("three"))
    assert len({value.metadata.created for value in source.scan().upserts.values()}) == 1


def test_what_went_while_nobody_looked_is_forgotten(folder: Folder) -> None:
    path = folder.write("a.yaml", road("one"))
    folder.scan()
    path.unlink()
    folder.start()
    folder.scan()
    assert folder.tables.load("first-seen") == {}
    assert folder.tables.load("last-good-text") == {}


# ---- where things stand ----------------------------------------------------------------------------------------------
def test_a_place_in_a_file_that_counts_as_before_is_that_of_its_last_good_text(folder: Folder) -> None:
    folder.write("a.yaml", f"# a comment\n{road('one')}")
    folder.scan()
    folder.write("a.yaml", "a: [")
    folder.scan()
    assert str(folder.source.position(ref("one"), "metadata.name")) == f"{folder.root}/a.yaml:5"


def test_fields_are_found_in_their_files(folder: Folder) -> None:
    folder.write(
        "a.yaml", f"# one\n---\n{road('one')}---\n{road('two', chr(10) + '  http:' + chr(10) + '  - host: x')}"
    )
    folder.scan()
    position = folder.source.position(ref("two"), "spec.http[0].host")
    assert str(position) == f"{folder.root}/a.yaml:17"
    assert folder.source.position(ref("three")) is None


def test_an_object_can_be_had_as_it_was_written(folder: Folder) -> None:
    folder.write("a.yaml", f"{road('one')}---\n{road('two', '{free: {anything: [1]}}')}")
    folder.scan()
    body = folder.source.body(ref("two"))
    assert body is not None
    assert body["spec"] == {"free": {"anything": [1]}}
    assert folder.source.body(ref("three")) is None


def test_ten_thousand_objects_are_read_in_seconds_and_one_change_in_less(folder: Folder) -> None:
    for file in range(20):
        folder.write(f"{file}.yaml", "---\n".join(road(f"r{file}-{n}", "{hosts: [a, b]}") for n in range(500)))
    seconds = measure(folder.scan)
    assert seconds < 10
    folder.write(
        "7.yaml", "---\n".join(road(f"r7-{n}", "{hosts: [a, c]}" if n == 3 else "{hosts: [a, b]}") for n in range(500))
    )
    assert measure(folder.scan) < seconds / 5


def measure(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def test_json_that_is_nested_too_deep_is_refused(folder: Folder) -> None:
    body = '{"apiVersion": "test.weft.dev/v1", "kind": "Road", "metadata": {"name": "a"}, "spec": {"free": %s}}'
    folder.write("a.json", body % ("[" * 200 + "]" * 200))
    changes = folder.scan()
    assert not changes.upserts
    assert ["nested more than 100 deep" in each.issue.message for each in changes.issues] == [True]
