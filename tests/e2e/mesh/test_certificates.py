"""Certificates that live for half a minute: they are replaced while requests flow, and none fails."""

import time
from typing import Final

import pytest
from tests.e2e.mesh.harness.manifests import account, client, images, namespace, server, service
from tests.e2e.mesh.harness.mesh import RunningMesh, running_mesh

pytestmark = [pytest.mark.isolation("userns"), pytest.mark.slow, pytest.mark.timeout(400)]

LIFETIME: Final = 30
DURATION: Final = 180.0
HANDSHAKES: Final = 500
STRICT: Final = {
    "apiVersion": "security.istio.io/v1",
    "kind": "PeerAuthentication",
    "metadata": {"name": "default", "namespace": "shop"},
    "spec": {"mtls": {"mode": "STRICT"}},
}

RECONNECT: Final = {
    "apiVersion": "networking.istio.io/v1",
    "kind": "DestinationRule",
    "metadata": {"name": "echo", "namespace": "shop"},
    "spec": {"host": "echo", "trafficPolicy": {"connectionPool": {"http": {"maxRequestsPerConnection": 20}}}},
}
"""A connection that was made lives on after its certificates: only new ones show that the present ones are good."""


def test_certificates_of_30_seconds_are_renewed_under_load(tmp_path_factory: pytest.TempPathFactory) -> None:
    manifests = [
        images(),
        namespace("shop"),
        STRICT,
        RECONNECT,
        account("shop", "client"),
        account("shop", "echo"),
        client("shop", "client"),
        service("shop", "echo", [{"name": "http", "port": 80, "targetPort": 8080}]),
        server("shop", "echo"),
    ]
    options = ("--certificate-seconds", str(LIFETIME))
    with running_mesh("short", tmp_path_factory.mktemp("short"), manifests, options) as mesh:
        before = serials(mesh)
        seen = {app: set(found) for app, found in before.items()}
        with mesh.load("client", "http://echo/", 100.0) as load:
            end = time.monotonic() + DURATION
            while time.monotonic() < end:
                time.sleep(2.0)
                for app, found in serials(mesh).items():
                    seen[app] |= found
            load.check()
        handshakes = mesh.admin(mesh.api.pod(app="echo")).counters(r"^listener\..*15006\.ssl\.handshake$")
        assert sum(handshakes.values()) > HANDSHAKES, handshakes
        for app, found in seen.items():
            assert len(found) >= DURATION / LIFETIME, f"{app} had {len(found)} certificates in {DURATION:.0f} s"
            assert before[app].isdisjoint(serials(mesh)[app])


def serials(mesh: RunningMesh) -> dict[str, set[str]]:
    """The serial numbers of the certificates in use, by application."""
    return {app: mesh.admin(mesh.api.pod(app=app)).certificate_serials() for app in ("client", "echo")}
