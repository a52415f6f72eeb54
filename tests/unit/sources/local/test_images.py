"""Patterns of image names: the rules of the bookshop's README, "weft.yaml: folders for images"."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.sources.local.images import best_pattern, matches


@pytest.mark.parametrize(
    ("pattern", "image", "fits"),
    [
        ("weft.dev/bookshop/*", "weft.dev/bookshop/reviews:v2", True),
        ("weft.dev/bookshop/*", "weft.dev/bookshop/reviews", True),
        ("weft.dev/bookshop/*", "weft.dev/bookshop/", True),
        ("weft.dev/bookshop/*", "weft.dev/bookshop/deep/reviews", False),
        ("weft.dev/bookshop/*", "Weft.dev/bookshop/reviews", False),
        ("weft.dev/bookshop/reviews:v3", "weft.dev/bookshop/reviews:v3", True),
        ("weft.dev/bookshop/reviews:v3", "weft.dev/bookshop/reviews:v2", False),
        ("weft.dev/bookshop/*:v3", "weft.dev/bookshop/reviews:v3", True),
        ("weft.dev/bookshop/*:v3", "weft.dev/bookshop/reviews", False),
        ("localhost:5000/app", "localhost:5000/app:v1@sha256:0a", True),
        ("app@sha256:*", "app@sha256:0a", True),
        ("a.c", "abc", False),
        ("*", "busybox:1.36", True),
        ("*", "library/busybox", False),
        ("*/*", "library/busybox", True),
    ],
)
def test_a_pattern_is_compared_as_the_specification_says(pattern: str, image: str, fits: bool) -> None:
    assert matches(pattern, image) is fits


def test_the_pattern_that_says_most_counts() -> None:
    patterns = ["shop/*", "shop/web*", "*/*", "shop/web-a"]
    assert best_pattern("shop/web-a", patterns) == "shop/web-a"
    assert best_pattern("shop/web-b", patterns) == "shop/web*"
    assert best_pattern("shop/cart", patterns) == "shop/*"
    assert best_pattern("busybox", patterns) is None


def test_of_equally_long_patterns_the_first_by_name_counts() -> None:
    assert best_pattern("ab", ["a*", "*b"]) == "*b"


@given(st.text("ab/*", max_size=8), st.text("ab/", max_size=8))
def test_a_star_stands_for_any_text_without_a_slash(pattern: str, image: str) -> None:
    expression = "[^/]*".join(map(re.escape, pattern.split("*")))
    assert matches(pattern, image) is (re.fullmatch(expression, image) is not None)


def test_a_hostile_pattern_takes_no_time() -> None:
    assert not matches("*a" * 50 + "!", "a" * 200)
