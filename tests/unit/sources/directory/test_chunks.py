"""Files are split where kubectl splits them, and lines are counted through."""

import pytest

from weft.sources.directory.chunks import split


@pytest.mark.parametrize(
    ("text", "chunks"),
    [
        ("", []),
        ("# only a comment\n\n", []),
        ("%YAML 1.1\n---\na: 1\n", [(1, "---\na: 1\n")]),
        ("a: 1\n---\nb: 2\n", [(0, "a: 1\n"), (1, "---\nb: 2\n")]),
        ("a: 1\r\n---\r\nb: 2\r\n", [(0, "a: 1\r\n"), (1, "---\r\nb: 2\r\n")]),
        ("--- {a: 1}\n--- # two\nb: 2", [(0, "--- {a: 1}\n"), (1, "--- # two\nb: 2")]),
        ("a: |\n  ---\n  text\n", [(0, "a: |\n  ---\n  text\n")]),
        ("a: ---b\n---c: 1\n", [(0, "a: ---b\n---c: 1\n")]),
    ],
)
def test_yaml_is_split_at_document_marks(text: str, chunks: list[tuple[int, str]]) -> None:
    assert [(chunk.lines, chunk.text) for chunk in split(text, json=False)] == chunks


def test_json_is_one_chunk() -> None:
    assert [chunk.text for chunk in split("{}\n---\n", json=True)] == ["{}\n---\n"]


def test_many_empty_lines_are_no_work() -> None:
    assert len(list(split("\n" * 200_000 + "a: 1", json=False))) == 1
