"""Shells complete names of what runs."""

from collections.abc import Callable

import pytest
from click.shell_completion import BashComplete
from tests.unit.cli.conftest import Run, Serve
from tests.unit.cli.mesh import MemoryMesh, deployment, job, pod, service

from weft.base.places import Places
from weft.cli.commands import program

Complete = Callable[..., list[str]]


@pytest.fixture
def complete(places: Places, monkeypatch: pytest.MonkeyPatch) -> Complete:
    """What the last word of a command line can become."""
    monkeypatch.setenv("WEFT_STATE_DIR", str(places.state))

    def find(*words: str) -> list[str]:
        completion = BashComplete(program(), {}, "weft", "_WEFT_COMPLETE")
        return [item.value for item in completion.get_completions(list(words[:-1]), words[-1])]

    return find


def test_commands_are_completed_without_loading_them(complete: Complete) -> None:
    assert complete("pr") == ["proxy-config", "proxy-status"]
    assert complete("pc", "li") == ["listeners"]


def test_kinds_and_names_come_from_the_mesh(complete: Complete, serve: Serve) -> None:
    elsewhere = service("ratings")
    elsewhere["metadata"]["namespace"] = "shop"
    serve(MemoryMesh(service("reviews"), service("details"), elsewhere))
    assert complete("get", "serv") == ["serviceaccounts", "services", "serviceentries"]
    assert complete("get", "svc", "re") == ["reviews"]
    assert complete("describe", "svc", "-n", "shop", "") == ["ratings"]


def test_targets_are_pods_deployments_and_jobs(complete: Complete, serve: Serve) -> None:
    serve(MemoryMesh(pod("web-1"), deployment("web"), job("work")))
    assert complete("logs", "") == ["web-1", "deploy/", "job/"]
    assert complete("pc", "clusters", "deploy/") == ["deploy/web"]
    assert complete("logs", "job/") == ["job/work"]


def test_without_a_mesh_there_is_nothing_and_no_error(complete: Complete) -> None:
    assert complete("get", "p") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts_for_shells(run: Run, shell: str) -> None:
    result = run("completion", shell)
    assert result.exit_code == 0
    assert f"_WEFT_COMPLETE={shell}_complete" in result.stdout
