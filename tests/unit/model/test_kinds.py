"""Kinds are found by what files and people call them, and a slip gets a hint."""

import pytest
from tests.unit.model.samples import BOX, KINDS, ROAD, Guard

from weft.model.kinds import Kinds, UnknownKindError
from weft.model.objects import Kind


@pytest.fixture
def kinds() -> Kinds:
    return Kinds(KINDS)


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_all_versions_of_a_kind_are_the_same_kind(kinds: Kinds, version: str) -> None:
    assert kinds.of(f"test.weft.dev/{version}", "Road") is ROAD


@pytest.mark.parametrize("word", ["road", "Road", "ROADS", "rd", "road.test.weft.dev", "roads.test.weft.dev"])
def test_people_may_use_any_name_of_a_kind(kinds: Kinds, word: str) -> None:
    assert kinds.named(word) is ROAD


def test_the_core_group_has_no_name(kinds: Kinds) -> None:
    assert kinds.of("v1", "Box") is BOX
    assert kinds.get("Box") is BOX
    assert kinds.named("bx") is BOX


def test_an_unknown_version_names_the_known_ones_and_the_kind(kinds: Kinds) -> None:
    with pytest.raises(UnknownKindError, match=r"write test\.weft\.dev/v1 or test\.weft\.dev/v1beta1") as caught:
        kinds.of("test.weft.dev/v7", "Road")
    assert caught.value.kind is ROAD


def test_a_wrong_group_names_the_right_one(kinds: Kinds) -> None:
    with pytest.raises(UnknownKindError, match=r"write apiVersion test\.weft\.dev/v1") as caught:
        kinds.of("v1", "Road")
    assert caught.value.slip
    assert caught.value.kind is None


def test_a_slip_of_the_pen_gets_a_hint(kinds: Kinds) -> None:
    with pytest.raises(UnknownKindError, match=r"did you mean Guard\?") as caught:
        kinds.of("test.weft.dev/v1", "Gaurd")
    assert caught.value.slip
    with pytest.raises(UnknownKindError, match=r"did you mean boxes\?"):
        kinds.named("boxs")


def test_a_kind_of_something_else_is_no_slip(kinds: Kinds) -> None:
    with pytest.raises(UnknownKindError) as caught:
        kinds.of("apps/v1", "StatefulSet")
    assert not caught.value.slip


def test_of_two_groups_with_one_name_the_first_declared_is_meant() -> None:
    other = Kind("other.dev", "Road", "roads", ("v1",), Guard)
    kinds = Kinds(KINDS, (other,))
    assert kinds.named("roads") is ROAD
    assert kinds.named("roads.other.dev") is other


def test_a_kind_can_not_be_declared_twice() -> None:
    with pytest.raises(ValueError, match=r"Road\.test\.weft\.dev is declared twice"):
        Kinds(KINDS, (ROAD,))
