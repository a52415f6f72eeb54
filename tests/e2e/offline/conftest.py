"""Meshes whose proxies get what was rendered before."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.mesh.conftest import shared_manifests
from tests.e2e.mesh.harness.mesh import RunningMesh, running_mesh

from weft.apps.demo.example import GATEWAY_PORT, copy_example, packaged_example
from weft.node.addresses import loopback_ranges


@pytest.fixture(scope="session", params=["bookshop", "shared"])
def mesh(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMesh]:
    """A mesh that was started for the first time on its folder, and not changed since."""
    root: Path = tmp_path_factory.mktemp(request.param)
    if request.param == "bookshop":
        copy_example(packaged_example(), root / "folder", GATEWAY_PORT)
        manifests = []
    else:
        manifests = shared_manifests()
    with running_mesh(f"render-{request.param}", root, manifests) as running:
        if running.isolation == "loopback" and running.network.cidr != next(loopback_ranges()):
            pytest.skip("needs isolation userns: another mesh of this machine has the addresses that are rendered")
        yield running
