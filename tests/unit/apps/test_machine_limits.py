"""A mesh that is larger than the machine allows is told so, with the way out."""

from pathlib import Path

import pytest
from tests.unit.apps.controller import Controller

from weft.apps.machine_limits import machine_limits
from weft.model import codes

PODS = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 4
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web, sidecar.istio.io/inject: "%s"}}
    spec: {containers: [{name: web, image: web, command: [sleep, infinity]}]}
"""


@pytest.mark.parametrize(("inject", "limit", "told"), [("true", 15, True), ("true", 16, False), ("false", 8, False)])
def test_instances_of_inotify_that_envoys_lack_are_an_issue(
    controller: Controller, tmp_path: Path, inject: str, limit: int, told: bool
) -> None:
    controller.write("pods.yaml", PODS % inject)
    controller.scan()
    (tmp_path / "limit").write_text(f"{limit}\n")
    found = list(machine_limits(controller.cluster, tmp_path / "limit"))
    assert [issue.code for issue in found] == ([codes.MACHINE_LIMIT] if told else [])
    assert all("sysctl fs.inotify.max_user_instances=8192" in issue.advice for issue in found)


def test_a_machine_that_does_not_say_its_limit_has_none(controller: Controller, tmp_path: Path) -> None:
    assert list(machine_limits(controller.cluster, tmp_path / "absent")) == []
