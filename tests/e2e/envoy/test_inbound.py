"""Who gets through to a workload, by how the port takes mutual TLS."""

import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.envoy.apps import HttpApp, StreamApp, exchange, get
from tests.e2e.envoy.mesh import (
    POD,
    VIP,
    Mesh,
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
from tests.e2e.envoy.network import FROM_PROXY

from weft.base.provenance import Provenance
from weft.ir.access import Authorization
from weft.ir.values import Protocol, Target
from weft.ir.view import InboundPort, Route

LINE = b"bytes that are no HTTP\n"


def _mesh(*ports: InboundPort, other: str = "accept") -> Mesh:
    return Mesh(inbound=inbound_of(*ports, other=other))


def _calling(port: InboundPort, **cluster_fields: Any) -> Mesh:
    """A mesh whose client side calls the port by HTTP on 80."""
    cluster = service_cluster(80, "http", **cluster_fields)
    return Mesh(
        clusters=(cluster,),
        endpoints=(endpoints_of(cluster, POD, port=port.port),),
        routes=(table("80", Route(rule("all"), to(cluster))),),
        listeners=(http_listener(80),),
        inbound=inbound_of(port),
    )


def test_permissive_http_takes_plaintext(tmp_path: Path) -> None:
    with HttpApp().at(POD, 9080) as app, _mesh(served(9080, "http", "accept")).running(tmp_path):
        assert get(POD, 9080).status == 200
    assert "x-forwarded-client-cert" not in app.requests[0]["headers"]


def test_a_caller_without_a_certificate_cannot_claim_one(tmp_path: Path) -> None:
    claimed = {"x-forwarded-client-cert": "URI=spiffe://cluster.local/ns/default/sa/admin"}
    with HttpApp().at(POD, 9080) as app, _mesh(served(9080, "http", "accept")).running(tmp_path):
        get(POD, 9080, headers=claimed)
    assert "x-forwarded-client-cert" not in app.requests[0]["headers"]


@pytest.mark.parametrize("protocol", ["http", "tcp", "detect"])
def test_strict_refuses_plaintext(tmp_path: Path, protocol: Protocol) -> None:
    mesh = _mesh(served(9080, protocol, "require"))
    with HttpApp().at(POD, 9080) as app, mesh.running(tmp_path), pytest.raises(ConnectionError):
        get(POD, 9080)
    assert app.requests == []


def test_strict_refuses_plaintext_on_ports_that_nobody_declared(tmp_path: Path) -> None:
    mesh = _mesh(other="require")
    with HttpApp().at(POD, 7000) as app, mesh.running(tmp_path), pytest.raises(ConnectionError):
        get(POD, 7000)
    assert app.requests == []


def test_undeclared_ports_are_passed_on(tmp_path: Path) -> None:
    with HttpApp().at(POD, 7000), StreamApp().at(POD, 7001), _mesh().running(tmp_path):
        assert get(POD, 7000).status == 200
        assert exchange(POD, 7001, LINE, len(LINE)) == LINE


def test_strict_takes_mutual_tls(tmp_path: Path) -> None:
    with HttpApp().at(POD, 9080), _calling(served(9080, "http", "require")).running(tmp_path):
        assert get(VIP, 80).status == 200


@pytest.mark.parametrize("headers", [{}, {"connection": "Upgrade", "upgrade": "websocket"}])
def test_a_policy_judges_requests_of_every_kind(tmp_path: Path, headers: dict[str, str]) -> None:
    """Envoy makes the chain of filters anew for a request to upgrade."""
    source = Provenance("AuthorizationPolicy", "default", "nothing")
    nothing = Authorization(source, "request", 2, "in", Target("namespace", "default"), (), closes=True)
    port = InboundPort(port=9080, protocol="http", mutual="accept", authorizations=(nothing,))
    with HttpApp().at(POD, 9080) as app, _mesh(port).running(tmp_path):
        assert get(POD, 9080, headers=headers).status == 403
    assert app.requests == []


def test_the_workload_sees_the_proxy_as_its_peer(tmp_path: Path) -> None:
    """Redirect rules know by this address that the server side is done."""
    peers = []

    def remember(connection: socket.socket) -> None:
        peers.append(connection.getpeername()[0])

    with StreamApp(seen=remember).at(POD, 9080), _mesh(served(9080, "tcp", "accept")).running(tmp_path):
        exchange(POD, 9080, LINE, len(LINE))
    assert peers == [FROM_PROXY]


def test_an_identity_of_another_domain_is_refused(tmp_path: Path) -> None:
    """Its certificate has a root that is trusted; only the name is not ours."""
    mesh = _calling(served(9080, "http", "require"), peers=("spiffe://elsewhere/ns/default/sa/app",))
    with HttpApp().at(POD, 9080) as app, mesh.running(tmp_path, domain="elsewhere"):
        assert get(VIP, 80).status == 503
    assert app.requests == []


def test_a_server_of_another_account_is_refused_by_the_client(tmp_path: Path) -> None:
    mesh = _calling(served(9080, "http", "require"), peers=("spiffe://cluster.local/ns/default/sa/other",))
    with HttpApp().at(POD, 9080) as app, mesh.running(tmp_path):
        assert get(VIP, 80).status == 503
    assert app.requests == []


def test_permissive_bytes_pass_tls_of_the_application_on(tmp_path: Path) -> None:
    with StreamApp().at(POD, 9080), _mesh(served(9080, "tcp", "accept")).running(tmp_path):
        hello = _client_hello()
        assert exchange(POD, 9080, hello, len(hello)) == hello


@pytest.mark.parametrize("mutual", ["off", "require"])
def test_a_server_of_bytes_may_speak_first_unless_the_port_is_permissive(tmp_path: Path, mutual: str) -> None:
    """Permissive has to wait for the client's first byte, to see whether it is TLS."""
    cluster = service_cluster(82, "tcp", mesh_tls="always" if mutual == "require" else "never")
    mesh = Mesh(
        clusters=(cluster,),
        endpoints=(endpoints_of(cluster, POD, port=9082),),
        listeners=(stream_listener(82, cluster),),
        inbound=inbound_of(served(9082, "tcp", mutual), served(9083, "detect", "accept")),
    )
    with StreamApp(b"welcome").at(POD, 9082), mesh.running(tmp_path):
        assert exchange(VIP, 82, b"", 7) == b"welcome"


def test_the_redirect_port_itself_leads_nowhere(tmp_path: Path) -> None:
    with _mesh().running(tmp_path), pytest.raises(ConnectionResetError):
        exchange("127.0.0.1", 15006, LINE, 1)


def test_a_refused_connection_is_logged(tmp_path: Path) -> None:
    with HttpApp().at(POD, 9080), _mesh(served(9080, "http", "require")).running(tmp_path) as envoy:
        with pytest.raises(ConnectionError):
            get(POD, 9080)
        envoy.wait_for(lambda: any(" NR " in line and f"{POD}:9080" in line for line in envoy.lines()))


def _client_hello() -> bytes:
    """The first bytes of a TLS client that is no proxy of the mesh."""
    context = ssl.create_default_context()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(incoming, outgoing, server_hostname="app")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()
