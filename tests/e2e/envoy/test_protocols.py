"""Each version of HTTP, and bytes, arrive at the server as the port says, through mutual TLS on the way."""

from pathlib import Path
from typing import Literal

import pytest
from tests.e2e.envoy.apps import HttpApp, StreamApp, exchange, get
from tests.e2e.envoy.http2 import http2_app, http2_client
from tests.e2e.envoy.mesh import (
    ACCOUNT,
    POD,
    VIP,
    Mesh,
    detect_listener,
    endpoints_of,
    http_listener,
    inbound_of,
    rule,
    served,
    service_cluster,
    stream_listener,
    table,
    to,
)

from weft.ir.traffic import TrafficSettings
from weft.ir.values import Protocol
from weft.ir.view import Route

CLIENT = 18000
LINE = b"bytes that are no HTTP\n"


def _detected(mutual: str, client: int = CLIENT) -> Mesh:
    cluster = service_cluster(81, "detect")
    return Mesh(
        clusters=(cluster,),
        endpoints=(endpoints_of(cluster, POD, port=9081),),
        routes=(table("app:81", Route(rule("all"), to(cluster))),),
        listeners=(detect_listener(81, cluster),),
        inbound=inbound_of(served(9081, "detect", mutual)),
        static=http2_client(client, (VIP, 81)),
    )


def _declared(protocol: Protocol, http2: Literal["upgrade"] | None = None) -> Mesh:
    cluster = service_cluster(80, protocol, settings=TrafficSettings(http2=http2))
    return Mesh(
        clusters=(cluster,),
        endpoints=(endpoints_of(cluster, POD, port=9080),),
        routes=(table("80", Route(rule("all"), to(cluster))),),
        listeners=(http_listener(80),),
        inbound=inbound_of(served(9080, protocol, "accept")),
        static=http2_client(CLIENT, (VIP, 80)),
    )


@pytest.mark.parametrize("mutual", ["accept", "require"])
def test_a_detected_port_keeps_http1(tmp_path: Path, mutual: str) -> None:
    with HttpApp().at(POD, 9081), _detected(mutual).running(tmp_path):
        sent = get(VIP, 81).json
    assert sent["version"] == "HTTP/1.1"
    assert f"URI={ACCOUNT}" in sent["headers"]["x-forwarded-client-cert"]


@pytest.mark.parametrize("mutual", ["accept", "require"])
def test_a_detected_port_keeps_http2(tmp_path: Path, mutual: str) -> None:
    mesh = _detected(mutual)
    mesh.static["listeners"].append(http2_app(POD, 9081))
    with mesh.running(tmp_path):
        reply = get("127.0.0.1", CLIENT)
    assert (reply.status, reply.headers["x-version"]) == (200, "HTTP/2")
    assert f"URI={ACCOUNT}" in reply.headers["x-peer"]


@pytest.mark.parametrize("mutual", ["accept", "require"])
def test_a_detected_port_passes_bytes_as_bytes(tmp_path: Path, mutual: str) -> None:
    with StreamApp().at(POD, 9081), _detected(mutual).running(tmp_path) as envoy:
        assert exchange(VIP, 81, LINE, len(LINE)) == LINE
        assert _handshakes(envoy.ask("/stats?filter=ssl.handshake&usedonly")[1]) == 1


def test_bytes_of_a_declared_port_may_go_to_a_detected_one(tmp_path: Path) -> None:
    cluster = service_cluster(81, "detect")
    mesh = Mesh(
        clusters=(cluster,),
        endpoints=(endpoints_of(cluster, POD, port=9081),),
        listeners=(stream_listener(82, cluster),),
        inbound=inbound_of(served(9081, "detect", "accept")),
    )
    with StreamApp().at(POD, 9081), mesh.running(tmp_path):
        assert exchange(VIP, 82, LINE, len(LINE)) == LINE


def test_a_port_declared_http_is_asked_by_http1_whatever_the_client_speaks(tmp_path: Path) -> None:
    with HttpApp().at(POD, 9080), _declared("http").running(tmp_path):
        assert get("127.0.0.1", CLIENT).json["version"] == "HTTP/1.1"


def test_a_port_declared_http2_is_asked_by_http2_whatever_the_client_speaks(tmp_path: Path) -> None:
    mesh = _declared("http2")
    mesh.static["listeners"].append(http2_app(POD, 9080))
    with mesh.running(tmp_path):
        assert get(VIP, 80).headers["x-version"] == "HTTP/2"


def test_an_upgrade_to_http2_is_between_the_proxies_only(tmp_path: Path) -> None:
    with HttpApp().at(POD, 9080), _declared("http", "upgrade").running(tmp_path) as envoy:
        assert get(VIP, 80).json["version"] == "HTTP/1.1"
        between = envoy.ask("/stats?filter=outbound.*upstream_cx_http2_total&usedonly")[1]
    assert between.rpartition(":")[2].strip() == "1"


def test_a_server_of_bytes_may_speak_first_through_mutual_tls(tmp_path: Path) -> None:
    cluster = service_cluster(82, "tcp")
    mesh = Mesh(
        clusters=(cluster,),
        endpoints=(endpoints_of(cluster, POD, port=9082),),
        listeners=(stream_listener(82, cluster),),
        inbound=inbound_of(served(9082, "tcp", "require")),
    )
    with StreamApp(b"welcome").at(POD, 9082), mesh.running(tmp_path):
        assert exchange(VIP, 82, b"", 7) == b"welcome"


def _handshakes(stats: str) -> int:
    """Handshakes of the server's side, in statistics."""
    return sum(int(line.rpartition(" ")[2]) for line in stats.splitlines() if line.startswith("listener."))
