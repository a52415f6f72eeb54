"""The mesh of the tests of names and services: everything in namespace `shop` requires mutual TLS."""

from collections.abc import Iterator

import pytest
from tests.e2e.mesh.harness.manifests import (
    Manifest,
    account,
    client,
    images,
    mesh_config,
    namespace,
    server,
    service,
)
from tests.e2e.mesh.harness.mesh import RunningMesh, running_mesh

PORTS = (
    {"name": "http", "port": 8080},
    {"name": "tcp-lines", "port": 9000},
    {"name": "unnamed-web", "port": 8082},
    {"name": "unnamed-lines", "port": 9001},
)
"""Ports of the headless service `db`. The last two say nothing of their protocol, so it is detected."""

STRICT = {
    "apiVersion": "security.istio.io/v1",
    "kind": "PeerAuthentication",
    "metadata": {"name": "default", "namespace": "shop"},
    "spec": {"mtls": {"mode": "STRICT"}},
}


def member(name: str, *, of: str = "db", inside: str = "shop") -> Manifest:
    """A pod of a headless service with a name of its own, as a StatefulSet makes them."""
    made = server(inside, of, http=(8080, 8082), tcp=(9000, 9001))
    template = made["spec"]["template"]
    metadata = {"name": name, "namespace": inside, **template["metadata"]}
    spec = {**template["spec"], "hostname": name, "subdomain": of}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def headless(manifest: Manifest, **spec: object) -> Manifest:
    """A service without an address."""
    return {**manifest, "spec": {**manifest["spec"], "clusterIP": "None", **spec}}


def manifests() -> list[Manifest]:
    """Namespace `shop` with a client, the headless service `db` of two pods, and the service `echo`; `plain` with a
    client that has no sidecar."""
    return [
        images(),
        namespace("istio-system"),
        mesh_config("accessLogFile: /dev/stdout\n"),
        namespace("shop"),
        namespace("plain", sidecars=False),
        STRICT,
        *(account("shop", name) for name in ("client", "db", "echo")),
        account("plain", "stranger"),
        client("shop", "client"),
        client("plain", "stranger"),
        headless(service("shop", "db", PORTS)),
        member("db-0"),
        member("db-1"),
        service("shop", "echo", [{"name": "http", "port": 80, "targetPort": 8080}, {"name": "tcp", "port": 9000}]),
        server("shop", "echo", replicas=2, tcp=(9000,)),
    ]


@pytest.fixture(scope="session")
def named(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMesh]:
    """The mesh, for the whole run."""
    with running_mesh("named", tmp_path_factory.mktemp("named"), manifests()) as mesh:
        yield mesh


@pytest.fixture
def mesh(named: RunningMesh) -> Iterator[RunningMesh]:
    """The same, in whose logs nothing bad may have come up when the test ends."""
    yield named
    named.check_logs()
