"""Paths are text for people and parts for programs, and both say the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.model.fields import did_you_mean, format_path, parse_path, shorten

PARTS = st.lists(st.one_of(st.integers(0, 10**6), st.text(max_size=20)), max_size=8).map(tuple)


@given(PARTS)
def test_every_path_survives_being_written_and_read(path: tuple[str | int, ...]) -> None:
    assert parse_path(format_path(path)) == path


def test_paths_read_like_those_of_kubernetes() -> None:
    assert format_path(("spec", "http", 0, "route", 1)) == "spec.http[0].route[1]"
    assert format_path(("metadata", "labels", "example.org/x")) == 'metadata.labels["example.org/x"]'


def test_what_follows_an_unreadable_part_is_left_out() -> None:
    assert parse_path("spec.http[0]..route") == ("spec", "http", 0)


@pytest.mark.parametrize(("word", "meant"), [("hots", "hosts"), ("virtualservice", "VirtualService"), ("zebra", "")])
def test_only_a_near_word_is_suggested(word: str, meant: str) -> None:
    assert did_you_mean(word, ("hosts", "http", "VirtualService")) == meant


def test_a_very_long_text_is_shortened() -> None:
    assert len(shorten("x" * 10_000)) == 80
    assert shorten("short") == "short"
