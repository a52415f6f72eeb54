"""Folders for images: what counts, and what is wrong with them."""

from pathlib import Path

import pytest
from tests.unit.sources.local.world import World, deployment, pod, ref, standalone

from weft.base.issues import Issue
from weft.model import codes

STANDALONE = ref("Standalone", "images", "")


def folder(world: World, owner: str = "web") -> str | None:
    return world.order(owner).containers[0].folder


def only(world: World, name: str = "images") -> Issue:
    (issue,) = world.issues(ref("Standalone", name, ""))
    return issue


def test_a_folder_is_relative_to_that_of_its_file() -> None:
    world = World()
    world.write(standalone("{web: ../web, 'api*': .}"), "/mesh/settings/weft.yaml")
    world.write(deployment() + "---" + deployment("api", image="api-2:v1") + "---" + deployment("other", image="other"))
    assert folder(world) == "/mesh/web"
    assert folder(world, "api") == "/mesh/settings"
    assert folder(world, "other") is None


def test_an_absolute_folder_is_taken_as_it_is() -> None:
    world = World()
    world.write(standalone("{web: /srv/web/}"))
    world.write(deployment())
    assert folder(world) == "/srv/web"


def test_a_tilde_and_variables_mean_nothing() -> None:
    world = World()
    world.write(standalone("{web: '~/$HOME'}"))
    world.write(deployment())
    assert folder(world) == "/mesh/~/$HOME"


def test_the_working_folder_of_a_container_wins() -> None:
    world = World()
    world.write(standalone("{web: .}") + "---" + deployment(more="workingDir: /srv"))
    assert folder(world) == "/srv"


def test_a_relative_folder_that_was_applied_is_relative_to_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    world = World()
    world.write(deployment())
    world.apply(standalone("{web: .}"))
    assert folder(world) is None
    issue = only(world)
    assert (issue.code, issue.severity, issue.path) == (codes.IMAGE_FOLDER, "error", "spec.images.web")
    assert issue.message == "'.' is relative, but the object comes from no file that it could be relative to"


def test_what_was_applied_over_a_file_is_relative_to_the_file() -> None:
    world = World()
    world.write(standalone("{web: a}"), "/mesh/weft.yaml")
    world.apply(standalone("{web: b}"))
    world.write(deployment())
    assert folder(world) == "/mesh/b"


def test_a_folder_that_does_not_exist_is_told_until_it_does(tmp_path: Path) -> None:
    world = World()
    world.write(standalone(f"{{web: {tmp_path}/later}}"))
    issue = only(world)
    assert (issue.code, issue.path) == (codes.IMAGE_FOLDER, "spec.images.web")
    assert issue.message == f"{tmp_path}/later is no folder"
    (tmp_path / "later").mkdir()
    assert world.issues() == []


def test_one_pattern_in_two_files_is_an_error_that_names_both(tmp_path: Path) -> None:
    world = World()
    world.write(standalone(f"{{web: {tmp_path}}}", "zoo"), "/mesh/zoo.yaml")
    world.clock.now += 1
    world.write(standalone(f"{{web: {tmp_path}/other}}", "ant"), "/mesh/ant.yaml")
    world.write(deployment())
    assert folder(world) == str(tmp_path)
    issue = only(world, "ant")
    assert (issue.code, issue.severity, issue.path) == (codes.IMAGE_NAMED_TWICE, "error", "spec.images.web")
    assert "/mesh/zoo.yaml:1" in issue.message
    assert "/mesh/ant.yaml:1" in issue.message
    assert world.issues(ref("Standalone", "zoo", "")) == []


def test_of_equally_old_objects_the_first_by_name_counts(tmp_path: Path) -> None:
    world = World()
    world.write(standalone(f"{{web: {tmp_path}}}", "b") + "---" + standalone(f"{{web: {tmp_path.parent}}}", "a"))
    world.write(deployment())
    assert folder(world) == str(tmp_path.parent)


def test_another_folder_replaces_pods_like_another_image() -> None:
    world = World()
    world.write(standalone("{web: a}") + "---" + deployment() + "---" + deployment("api", image="api") + "---" + pod())
    world.settle()
    first, other, tool = world.pod("web"), world.pod("api"), world.pod("tool")
    world.write(standalone("{web: b, tool: c}"))
    assert first in world.live("web")
    world.settle()
    assert folder(world) == "/mesh/b"
    assert folder(world, "tool") == "/mesh/c"
    assert world.pod("api") == other
    assert world.pod("tool") != tool


def test_settings_that_become_unreadable_count_as_they_were() -> None:
    world = World()
    world.write(standalone("{web: a}") + "---" + deployment())
    first = world.pod()
    world.write(standalone("{web: 5}"))
    assert world.live() == [first]
    world.write(deployment("api", image="web"))
    assert folder(world, "api") == "/mesh/a"


def test_with_settings_that_never_were_readable_pods_stay_as_they_are() -> None:
    world = World()
    world.write(standalone("{web: a}") + "---" + deployment())
    first = world.pod()
    world.folder.write(standalone("{web: 5}"))
    world.folder.write(deployment("late"))
    world.restart()
    assert world.live() == [first]
    assert folder(world) == "/mesh/a"
    issue = only(world)
    assert (issue.code, issue.effect) == (codes.IMAGE_FOLDER, "pods stay as they are: none is made or replaced")
    world.write(standalone("{web: a}"))
    assert len(world.live()) == 2


def test_removed_settings_are_no_problem_for_pods_without_folders() -> None:
    world = World()
    world.write(standalone("{other: a}") + "---" + deployment())
    first = world.pod()
    world.remove(STANDALONE)
    world.settle()
    assert world.live() == [first]
