"""The meshes that tests share."""

from collections.abc import Iterator

import pytest
from tests.e2e.mesh.harness.manifests import account, client, gateway, images, mesh_config, namespace, server, service
from tests.e2e.mesh.harness.mesh import RunningMesh, running_mesh

SHARED_SETTINGS = """
accessLogFile: /dev/stdout
"""

ECHO_PORTS = (
    {"name": "http", "port": 80, "targetPort": 8080},
    {"name": "http-other", "port": 81, "targetPort": 8081},
    {"name": "tcp-lines", "port": 9000, "targetPort": 9000},
    {"name": "unnamed-web", "port": 82, "targetPort": 8082},
    {"name": "unnamed-lines", "port": 9001, "targetPort": 9001},
)
"""Ports of the service `echo`. The last two say nothing of their protocol, so it is detected."""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: takes minutes")


def shared_manifests() -> list[dict[str, object]]:
    """Namespace `shop` with a client and the services echo (in two versions) and other; `far` with another client;
    `plain` without sidecars; and a gateway."""
    http, tcp = (8080, 8081, 8082), (9000, 9001)
    return [
        images(),
        namespace("istio-system"),
        mesh_config(SHARED_SETTINGS),
        namespace("shop"),
        namespace("far"),
        namespace("plain", sidecars=False),
        namespace("ingress"),
        *(account("shop", name) for name in ("client", "echo", "other")),
        account("far", "visitor"),
        account("plain", "stranger"),
        account("plain", "old"),
        account("ingress", "gateway"),
        client("shop", "client"),
        client("far", "visitor"),
        client("plain", "stranger"),
        service("shop", "echo", ECHO_PORTS),
        server("shop", "echo", http=http, tcp=tcp),
        server("shop", "echo", version="v2", http=http, tcp=tcp),
        service("shop", "other", ECHO_PORTS[:1]),
        server("shop", "other"),
        service("plain", "old", ECHO_PORTS),
        server("plain", "old", http=http, tcp=tcp),
        gateway("ingress", "gateway"),
    ]


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMesh]:
    """The mesh of all tests that leave it as they found it."""
    with running_mesh("shared", tmp_path_factory.mktemp("shared"), shared_manifests()) as mesh:
        yield mesh


@pytest.fixture
def mesh(shared: RunningMesh) -> Iterator[RunningMesh]:
    """The shared mesh, in whose logs nothing bad may have come up when the test ends."""
    yield shared
    shared.check_logs()
