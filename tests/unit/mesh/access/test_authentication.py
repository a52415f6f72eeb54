"""The mode of mutual TLS: narrowest target, oldest object, inheritance, and the strictest dialect (I5)."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.mesh.access.policies import SERVER, source

from weft.ir.access import Authentication, MutualMode
from weft.ir.values import Selector, Target
from weft.mesh.access.authentication import mutual_mode, ports_with_modes

MESH = Target("mesh")
NAMESPACE = Target("namespace", "n")
SELECTED = Target("workloads", "n", select=Selector(("n",), labels=(("app", "in", ("t",)),)))
ELSEWHERE = (
    Target("namespace", "m"),
    Target("workloads", "n", select=Selector(("n",), labels=(("app", "in", ("x",)),))),
    Target("service", "n", "t"),
)


def stated(target: Target, mutual: MutualMode | None, port: int | None = None, **of: Any) -> Authentication:
    return Authentication(source(**{"kind": "PeerAuthentication", **of}), target, port, mutual)


def test_the_default_accepts_both() -> None:
    assert mutual_mode([], SERVER, 80) == "accept"


def test_the_narrowest_target_decides() -> None:
    found = [stated(MESH, "require"), stated(NAMESPACE, "off"), stated(SELECTED, "accept")]
    assert mutual_mode(found, SERVER, 80) == "accept"
    assert mutual_mode(found[:2], SERVER, 80) == "off"
    assert mutual_mode(found[:1], SERVER, 80) == "require"


def test_what_is_not_stated_is_inherited() -> None:
    found = [stated(MESH, "require"), stated(NAMESPACE, None), stated(SELECTED, None), stated(SELECTED, None, 80)]
    assert mutual_mode(found, SERVER, 80) == "require"


def test_other_targets_have_no_say() -> None:
    assert mutual_mode([stated(target, "require") for target in ELSEWHERE], SERVER, 80) == "accept"


def test_a_port_has_its_own_mode_and_all_others_that_of_the_workload() -> None:
    found = [stated(SELECTED, "require"), stated(SELECTED, "off", 80), stated(MESH, "accept")]
    assert [mutual_mode(found, SERVER, port) for port in (80, 81, None)] == ["off", "require", "require"]
    assert ports_with_modes([*found, stated(ELSEWHERE[0], "off", 99)], SERVER) == (80,)


def test_a_port_counts_although_the_workload_inherits() -> None:
    found = [stated(SELECTED, None), stated(SELECTED, "off", 80), stated(MESH, "require")]
    assert [mutual_mode(found, SERVER, port) for port in (80, 81)] == ["off", "require"]


def test_the_oldest_object_of_a_level_counts_alone() -> None:
    older = [stated(SELECTED, None, name="z", created=1), stated(SELECTED, "off", 80, name="z", created=1)]
    younger = [stated(SELECTED, "require", name="a", created=2), stated(SELECTED, "require", 81, name="a", created=2)]
    found = [*younger, *older, stated(MESH, "accept")]
    assert [mutual_mode(found, SERVER, port) for port in (80, 81)] == ["off", "accept"]


def test_names_decide_between_objects_of_one_age() -> None:
    found = [stated(NAMESPACE, "off", name="b"), stated(NAMESPACE, "require", name="a")]
    assert mutual_mode(found, SERVER, 80) == "require"


def test_the_strictest_dialect_counts() -> None:
    found = [stated(SELECTED, "accept"), stated(MESH, "require", kind="Other"), stated(MESH, "off", kind="Third")]
    assert mutual_mode(found, SERVER, 80) == "require"
    assert mutual_mode([stated(SELECTED, "off"), stated(MESH, None, kind="Other")], SERVER, 80) == "off"


TARGETS = st.sampled_from([MESH, NAMESPACE, SELECTED, *ELSEWHERE])
MODES = st.sampled_from(["require", "accept", "off", None])
FRAGMENTS = st.lists(
    st.builds(
        lambda target, mutual, port, name, created: stated(target, mutual, port, name=name, created=created),
        TARGETS,
        MODES,
        st.sampled_from([None, None, 80]),
        st.sampled_from(["a", "b"]),
        st.integers(0, 1),
    ),
    max_size=6,
    unique_by=lambda each: (each.target, each.port, each.source),
)


@given(FRAGMENTS, st.randoms())
def test_the_order_in_which_objects_are_found_has_no_influence(found: list[Authentication], chance: Any) -> None:
    shuffled = list(found)
    chance.shuffle(shuffled)
    assert mutual_mode(found, SERVER, 80) == mutual_mode(shuffled, SERVER, 80)


@given(FRAGMENTS, MODES)
def test_an_older_object_for_the_workload_overrules_everything(
    found: list[Authentication], mode: MutualMode | None
) -> None:
    oldest = stated(SELECTED, mode, name="0", created=-1)
    expected = mode or mutual_mode([each for each in found if each.target != SELECTED], SERVER, 80)
    assert mutual_mode([*found, oldest], SERVER, 80) == expected
