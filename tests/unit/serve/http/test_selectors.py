"""Label selectors as kubectl writes them."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.mesh.matching import term_holds
from weft.serve.http.selectors import parse_selector

LABELS = {"app": "web", "tier": "front", "example.org/x": "1"}


def holds(selector: str) -> bool:
    return all(term_holds(term, LABELS) for term in parse_selector(selector))


@pytest.mark.parametrize(
    ("selector", "chosen"),
    [
        ("", True),
        ("  ", True),
        ("app=web", True),
        ("app==web", True),
        (" app = web , tier = front ", True),
        ("app=api", False),
        ("app!=api", True),
        ("none!=api", True),
        ("app!=web", False),
        ("app", True),
        ("none", False),
        ("!none", True),
        ("!app", False),
        ("app in (web, api)", True),
        ("app in (api)", False),
        ("app notin (api)", True),
        ("none notin (api)", True),
        ("example.org/x=1", True),
        ("none=", False),
    ],
)
def test_a_selector_chooses_as_kubectls_does(selector: str, chosen: bool) -> None:
    assert holds(selector) is chosen


@pytest.mark.parametrize("selector", ["=", "app=web=x", "app in web", "app in (web", "a b", ",", "app=web,,tier", "&"])
def test_what_is_no_selector_is_told(selector: str) -> None:
    with pytest.raises(ValueError, match="is no label selector"):
        parse_selector(selector)


@given(st.text("ab=!,() in", max_size=30))
def test_any_text_is_read_or_refused(selector: str) -> None:
    with suppress(ValueError):
        for key, _, _ in parse_selector(selector):
            assert key


def test_a_hostile_selector_takes_no_time() -> None:
    with pytest.raises(ValueError, match="is no label selector"):
        parse_selector("a" + " " * 20_000 + "!")
