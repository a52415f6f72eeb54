"""The controller of a running mesh tells of itself: as Prometheus scrapes it, and to the command line."""

import json

import pytest
from tests.e2e.mesh.harness.mesh import RunningMesh
from tests.e2e.mesh.harness.waiting import eventually

from weft.base.families import host_port
from weft.telemetry.metrics import METRICS

pytestmark = [pytest.mark.isolation("loopback"), pytest.mark.timeout(120)]


ROUTE = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: other, namespace: shop}
spec: {hosts: [other], http: [{timeout: 7s, route: [{destination: {host: other}}]}]}
"""


def scrape(mesh: RunningMesh) -> dict[str, float]:
    """All samples, as a pod without a sidecar gets them from the monitoring port."""
    url = f"http://{host_port(str(mesh.network.gateway), 15014)}/metrics"
    answer = mesh.client("stranger").call(url)
    assert answer.status == 200, answer
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = (line.rpartition(" ") for line in answer.body.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}


def test_a_scrape_tells_what_is_so(mesh: RunningMesh) -> None:
    mesh.settle()
    found = eventually(lambda: check_proxies(mesh))
    assert found["citadel_server_success_cert_issuance_count"] >= len(mesh.api.proxies())
    assert found["citadel_server_root_cert_expiry_timestamp"] > found["process_start_time_seconds"]
    assert found["pilot_xds_cds_reject"] == found["pilot_xds_lds_reject"] == 0
    names = {name.partition("{")[0] for name in found}
    histograms = {each.name for each in METRICS if each.kind == "histogram"}
    assert {f"{name}_count" for name in histograms} <= names
    unlabelled = {each.name for each in METRICS if not each.labels and each.name not in histograms}
    assert unlabelled <= names


def check_proxies(mesh: RunningMesh) -> dict[str, float]:
    """A scrape that counts each connected proxy. It may be a second old."""
    found = scrape(mesh)
    counted = sum(value for name, value in found.items() if name.startswith("pilot_xds{"))
    assert counted == len(mesh.api.proxies())
    return found


def test_a_change_is_counted_and_named_as_the_reason_of_its_push(mesh: RunningMesh) -> None:
    before = scrape(mesh)
    pod = mesh.api.pod(app="client")
    with mesh.config(ROUTE):
        text = mesh.weft("internal-debug", "pushes", pod.name, "-n", "shop", "-o", "json")
        changes = [change for push in json.loads(text) for change in push["changes"]]
        assert "VirtualService shop/other" in changes
        eventually(lambda: check_grown(mesh, before))


def check_grown(mesh: RunningMesh, before: dict[str, float]) -> None:
    now = scrape(mesh)
    for name in (
        'pilot_xds_pushes{type="vhds"}' if mesh.isolation != "loopback" else 'pilot_inbound_updates{type="config"}',
        "pilot_proxy_convergence_time_count",
        "pilot_debounce_time_count",
        'weft_graph_recomputations_total{table="view of scope"}',
    ):
        assert now.get(name, 0) > before.get(name, 0), name


def test_the_port_is_for_reading_its_three_pages_only(mesh: RunningMesh) -> None:
    address = host_port(str(mesh.network.gateway), 15014)
    stranger = mesh.client("stranger")
    assert stranger.call(f"http://{address}/ready").status == 200
    assert stranger.call(f"http://{address}/v1/status").status == 404
    assert stranger.call(f"http://{address}/metrics", method="POST").status == 405


def test_the_graph_is_shown(mesh: RunningMesh) -> None:
    shown = mesh.weft("internal-debug", "graph")
    assert "objects" in shown
    assert "view of scope" in shown
