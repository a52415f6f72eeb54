"""weft.apps.progress: what is said of a mesh that starts."""

from pathlib import Path

import pytest

from weft.apps import progress
from weft.apps.progress import Readiness, describe, readiness
from weft.base.places import Places

CREATING = {"waiting": {"reason": "ContainerCreating", "message": ""}}


def pod(*states: dict[str, object]) -> dict[str, object]:
    containers = [{"state": state} for state in states]
    return {"metadata": {"namespace": "shop", "name": "a"}, "status": {"containerStatuses": containers}}


@pytest.mark.parametrize(
    ("states", "said"),
    [
        ([], "shop/a"),
        ([{"running": {}}], "shop/a"),
        ([CREATING], "shop/a: ContainerCreating"),
        (
            [CREATING, {"waiting": {"reason": "CrashLoopBackOff", "message": "no room"}}],
            "shop/a: CrashLoopBackOff no room",
        ),
        ([{"terminated": {"reason": "Error", "message": ""}}, CREATING], "shop/a: Error"),
    ],
)
def test_a_pod_is_waited_for_by_what_is_wrong_with_it(
    states: list[dict[str, object]], said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A container that only waits for others comes last."""
    answers = {"/v1/objects/pods": {"items": [pod(*states)]}, "/v1/status": {"pods": {"wanted": 1, "ready": 0}}}
    monkeypatch.setattr(progress, "get", lambda _, target: answers[target])
    assert readiness(Places("shop", tmp_path)) == Readiness(1, 0, (said,))
    assert describe(Readiness(1, 0, (said,))).endswith(f"waiting for {said}")
