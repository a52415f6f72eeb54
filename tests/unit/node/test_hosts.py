"""weft.node.hosts: at every moment of every change a reader sees whole lines, old or new, and never misses a name."""

from hypothesis import given
from hypothesis import strategies as st

from weft.node.hosts import PAGE, Edit, edits, host_lines

HEADER = b"# header\n"

names = st.lists(st.text("abcdef", min_size=1, max_size=120), min_size=1, max_size=8)
entries = st.tuples(st.sampled_from(["10.0.0.1", "10.0.0.2", "10.0.0.3"]), names)
tables = st.lists(entries, max_size=40).map(lambda table: [line for entry in table for line in host_lines(*entry)])


def written(content: bytes, edit: Edit) -> bytes:
    """The file after one edit."""
    return content[: edit.offset].ljust(edit.offset, b"\0") + edit.data + content[edit.offset + len(edit.data) :]


def in_use(content: bytes) -> list[str]:
    """What a C library reads: every line that is no comment."""
    lines = content.decode().split("\n")
    assert lines[-1] == ""
    return [line for line in lines if line and not line.startswith("#")]


@given(st.lists(tables, min_size=1, max_size=5))
def test_readers_see_whole_lines_and_keep_the_names_that_stay(history: list[list[str]]) -> None:
    content, before = HEADER, set[str]()
    for wanted in history:
        for edit in edits(content, wanted):
            content = written(content, edit)
            seen = set(in_use(content))
            assert seen <= before | set(wanted)
            assert seen >= before & set(wanted)
        assert sorted(in_use(content)) == sorted(set(wanted))
        before = set(wanted)


@given(tables, tables)
def test_no_edit_and_no_new_line_crosses_the_border_of_a_page(old: list[str], new: list[str]) -> None:
    content = HEADER
    for wanted in (old, new):
        for edit in edits(content, wanted):
            assert edit.offset // PAGE == (edit.offset + len(edit.data) - 1) // PAGE
            content = written(content, edit)
    offset = 0
    for line in content.splitlines(keepends=True):
        assert offset // PAGE == (offset + len(line) - 1) // PAGE
        offset += len(line)


@given(tables)
def test_writing_the_same_again_writes_nothing(wanted: list[str]) -> None:
    content = HEADER
    for edit in edits(content, wanted):
        content = written(content, edit)
    assert edits(content, wanted) == []


def test_a_line_that_a_crash_cut_short_is_put_out_of_use() -> None:
    content = b"10.0.0.1 review"
    for edit in edits(content, ["10.0.0.1 reviews"]):
        content = written(content, edit)
    assert in_use(content) == ["10.0.0.1 reviews"]


@given(names)
def test_no_line_is_too_long_for_musl(found: list[str]) -> None:
    lines = list(host_lines("10.0.0.1", found))
    assert all(len(line) < 512 for line in lines)
    assert [name for line in lines for name in line.split()[1:]] == found
