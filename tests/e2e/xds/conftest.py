"""A network namespace of its own, a control plane and an Envoy for each test."""

import ctypes
import os
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from tests.e2e.xds.harness import POD, ControlPlane, Envoy

_CLONE_NEWNET = 0x40000000


@pytest.fixture(autouse=True)
def network() -> Iterator[None]:
    """Puts the test's thread, and what it starts, into a new namespace: no packet leaves it, no port is taken."""
    libc = ctypes.CDLL(None, use_errno=True)
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    if libc.unshare(_CLONE_NEWNET) != 0:
        os.close(before)
        pytest.skip("may not make a network namespace")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    yield
    libc.setns(before, _CLONE_NEWNET)
    os.close(before)


@pytest.fixture
async def plane() -> AsyncIterator[ControlPlane]:
    async with ControlPlane() as plane:
        yield plane


@pytest.fixture
def start_envoy(tmp_path: Path) -> Iterator[Callable[..., Envoy]]:
    """Starts an Envoy: with a good token of the pod, unless told otherwise."""
    started: list[Envoy] = []

    def start(
        plane: ControlPlane, token: str | None = None, root: str | None = None, api_type: str = "DELTA_GRPC"
    ) -> Envoy:
        folder = tmp_path / f"envoy{len(started)}"
        folder.mkdir()
        envoy = Envoy(folder, token or plane.tokens.issue(POD), root or plane.root(), api_type)
        started.append(envoy)
        envoy.start()
        return envoy

    yield start
    for envoy in started:
        envoy.stop()
