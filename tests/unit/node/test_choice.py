"""weft.node.choice, limits: the best isolation that works is chosen, and what it can't do is said."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pytest

from weft.model.local import Isolation
from weft.node.choice import Choice, IsolationError, Probe, choose
from weft.node.limits import DESCRIPTIONS, introduction, limits_of

PAGE = Path(__file__).parents[3] / "docs" / "concepts" / "isolation.md"


def machine(**reasons: str) -> Mapping[Isolation, Probe]:
    """A machine on which these isolations don't work, and the others do."""
    return {name: partial(reasons.get, name) for name in DESCRIPTIONS}


def test_the_best_that_works_is_taken() -> None:
    assert choose("auto", machine()) == Choice("netns")
    assert choose("auto", machine(netns="no root")) == Choice("userns", (("netns", "no root"),))
    both = machine(netns="no root", userns="off")
    assert choose("auto", both) == Choice("loopback", (("netns", "no root"), ("userns", "off")))


def test_what_is_good_enough_is_found_without_trying_anything_worse() -> None:
    def never() -> str | None:
        raise AssertionError("tried")

    assert choose("auto", {**machine(), "userns": never, "loopback": never}) == Choice("netns")
    assert choose("loopback", {**machine(), "netns": never, "userns": never}) == Choice("loopback")


def test_a_named_one_is_never_replaced_by_another() -> None:
    with pytest.raises(IsolationError, match="userns: sysctl is 0"):
        choose("userns", machine(userns="sysctl is 0"))


def test_nothing_works_without_a_loopback_device() -> None:
    with pytest.raises(IsolationError, match="netns: a; userns: b; loopback: c"):
        choose("auto", machine(netns="a", userns="b", loopback="c"))


def test_the_introduction_says_why_and_what_not() -> None:
    lines = list(introduction(Choice("userns", (("netns", "no root"),))))
    assert lines[0].startswith("isolation userns: ")
    assert lines[1] == "  netns does not work here: no root"
    assert lines[2:] == [f"  - {limit}" for limit in limits_of("userns")]


@pytest.mark.parametrize("isolation", DESCRIPTIONS)
def test_the_documentation_has_every_limit(isolation: Isolation) -> None:
    text = " ".join(PAGE.read_text().split())
    description = DESCRIPTIONS[isolation]
    assert all(sentence in text for sentence in (description.made_of, *description.limits))
