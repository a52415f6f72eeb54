"""How a proxy starts: it finds its control plane, proves who it is, becomes ready, and obeys nobody else."""

import http.client
import json
import os
import stat
from pathlib import Path

import pytest
from cryptography import x509
from tests.e2e.envoy.apps import get
from tests.e2e.envoy.certificates import Authority
from tests.e2e.envoy.control_plane import EmptyControlPlane
from tests.e2e.envoy.proxy import running

from weft.envoy.bootstrap.control_plane import roots_secret, token_secret
from weft.envoy.bootstrap.document import bootstrap_text
from weft.envoy.bootstrap.settings import BootstrapSettings, ControlPlane, Node
from weft.envoy.names import statistics_prefix

LOOPBACK = "127.0.0.1"
PLANE = "127.0.2.1"
NAME = "weft-controller.weft-system.svc"
TOKEN = "first-token"


class Pod:
    """The files of a pod, and a control plane's certificate. The volume changes as Kubernetes changes it: at once, by a
    link that is replaced."""

    def __init__(self, folder: Path, name: str = NAME) -> None:
        self.folder = folder
        authority = Authority(folder)
        self.chain, self.key = authority.issue_files("plane", x509.DNSName(name))
        self.volume = folder / "volume"
        self.volume.mkdir()
        self.roots = authority.path.read_text()
        self._generation = 0
        self.project(TOKEN)

    def project(self, token: str) -> None:
        """Replaces the volume's content."""
        self._generation += 1
        content = self.volume / f"..{self._generation}"
        content.mkdir()
        (content / "token").write_text(token)
        (content / "roots.pem").write_text(self.roots)
        (content / "token.json").write_text(token_secret(str(self.volume / "token")))
        (content / "roots.json").write_text(roots_secret(str(self.volume / "roots.pem"), str(self.volume)))
        link = self.volume / "..next"
        link.symlink_to(content.name)
        os.replace(link, self.volume / "..data")
        for name in ("token", "roots.pem", "token.json", "roots.json"):
            if not (self.volume / name).is_symlink():
                (self.volume / name).symlink_to(f"..data/{name}")

    def bootstrap(self) -> str:
        node = Node(
            role="sidecar",
            address="10.244.0.7",
            name="reviews-1",
            namespace="default",
            service_account="reviews",
            labels=(("app", "reviews"), ("yes", "on")),
            workload="reviews",
            version="0.1.0",
        )
        plane = ControlPlane(
            address=PLANE,
            port=15012,
            server_name=NAME,
            token=str(self.volume / "token.json"),
            roots=str(self.volume / "roots.json"),
            directory=str(self.volume),
        )
        socket = str(self.folder / "admin.sock")
        return bootstrap_text(BootstrapSettings(node=node, control_plane=plane, admin_socket=socket))


@pytest.fixture
def pod(tmp_path: Path) -> Pod:
    return Pod(tmp_path)


def _status(port: int, path: str, method: str = "GET") -> int | None:
    """The status of an answer; None if nobody listens."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=5)
    try:
        connection.request(method, path)
        return connection.getresponse().status
    except ConnectionRefusedError:
        return None
    finally:
        connection.close()


def _is_ready() -> bool:
    return _status(15021, "/healthz/ready") == 200


def test_readiness_waits_for_the_first_configuration(pod: Pod) -> None:
    plane = EmptyControlPlane()
    with running(pod.folder, json.loads(pod.bootstrap()), ready=False) as envoy:
        envoy.wait_for(envoy.admin.exists)
        assert not _is_ready()
        with plane.at(f"{PLANE}:15012", pod.key, pod.chain):
            envoy.wait_for(_is_ready)
            token, node = plane.next_stream()
        assert _is_ready(), "once configured, a proxy is ready without a control plane"
    assert token.removeprefix("Bearer ") == TOKEN
    assert node.id == "sidecar~10.244.0.7~reviews-1.default~default.svc.cluster.local"
    assert node.cluster == "reviews.default"
    assert dict(node.metadata["LABELS"]) == {"app": "reviews", "yes": "on"}


def test_a_new_token_is_used_on_the_next_stream(pod: Pod) -> None:
    plane = EmptyControlPlane()
    with running(pod.folder, json.loads(pod.bootstrap()), ready=False):
        with plane.at(f"{PLANE}:15012", pod.key, pod.chain):
            assert plane.next_stream()[0].endswith(TOKEN)
        pod.project("second-token")
        with plane.at(f"{PLANE}:15012", pod.key, pod.chain):
            assert plane.next_stream()[0].endswith("second-token")


def test_a_control_plane_with_another_name_gets_no_token(tmp_path: Path) -> None:
    """Every workload has a certificate of the same roots; none may pass for the control plane."""
    pod = Pod(tmp_path, name="workload.default.svc")
    plane = EmptyControlPlane()
    document = json.loads(pod.bootstrap())
    with plane.at(f"{PLANE}:15012", pod.key, pod.chain), running(pod.folder, document, ready=False) as envoy:
        envoy.wait_for(lambda: "ssl.fail_verify_san: 1" in envoy.ask("/stats?filter=fail_verify_san")[1])
    assert plane.streams.empty()


def test_loopback_reads_and_changes_nothing(pod: Pod) -> None:
    plane = EmptyControlPlane()
    with plane.at(f"{PLANE}:15012", pod.key, pod.chain), running(pod.folder, json.loads(pod.bootstrap())) as envoy:
        envoy.wait_for(_is_ready)
        assert _status(15000, "/config_dump?include_eds") == 200
        assert _status(15000, "/stats/prometheus") == 200
        for path in ("/quitquitquit", "/drain_listeners", "/logging?level=trace", "/stats/../quitquitquit"):
            assert _status(15000, path) == 403, path
        assert _status(15000, "/stats", "POST") == 403
        assert _status(15021, "/ready") == 403
        assert _status(15090, "/config_dump") == 403
        assert TOKEN not in get(LOOPBACK, 15000, "/config_dump").body.decode()
        assert stat.S_IMODE(envoy.admin.stat().st_mode) == 0o600


def test_statistics_name_what_they_count_in_labels(pod: Pod) -> None:
    """Names of hosts hold dots, at which Envoy's own rules would cut them."""
    document = json.loads(pod.bootstrap())
    name = "outbound|80||reviews.default.svc.cluster.local"
    document["staticResources"]["clusters"].append({"name": name, "altStatName": statistics_prefix(name)})
    document["deferredStatOptions"]["enableDeferredCreationStats"] = False
    plane = EmptyControlPlane()
    with plane.at(f"{PLANE}:15012", pod.key, pod.chain), running(pod.folder, document) as envoy:
        envoy.wait_for(_is_ready)
        metrics = get(LOOPBACK, 15090, "/stats/prometheus").body.decode()
    for each in (name, "xds-grpc"):
        assert f'envoy_cluster_upstream_rq_active{{cluster_name="{each}"}}' in metrics
