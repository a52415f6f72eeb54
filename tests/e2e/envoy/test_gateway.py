"""How traffic enters through a gateway: by port, server name, certificate and host."""

import http.client
import socket
import ssl
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from tests.e2e.envoy.apps import HttpApp, Reply, StreamApp, exchange, get
from tests.e2e.envoy.certificates import Authority, identity
from tests.e2e.envoy.mesh import endpoints_of, rule, service_cluster, to
from tests.e2e.envoy.proxy import Envoy, running
from tests.golden.static import static_bootstrap

from weft.envoy.cluster import cluster
from weft.envoy.endpoints import cluster_load_assignment
from weft.envoy.listener.gateway import gateway_listener
from weft.envoy.route_configuration import route_configuration
from weft.envoy.special_clusters import blackhole_cluster
from weft.ir.settings import MeshSettings
from weft.ir.values import Tls
from weft.ir.view import GatewayListener, GatewayServer, Route, RouteConfiguration, StreamRoute, VirtualHost

SERVER = "127.0.1.1"
APP = service_cluster(80, "http", mesh_tls="never")
BYTES = service_cluster(81, "tcp", mesh_tls="never")
SETTINGS = MeshSettings(access_log="/dev/stdout")
SHOP = "shop.example"
CREDENTIAL = "secret:default/shop"
LINE = b"bytes that are no HTTP\n"


class Site:
    """A gateway with its certificates; `clients` issues those of its clients."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = Authority(folder)
        self.clients = Authority(folder, "clients")

    def running(self, *servers: GatewayServer, port: int = 8443, host: VirtualHost | None = None) -> Any:
        """Runs it with one listener."""
        listener = GatewayListener(bind="", port=port, servers=servers)
        shop = host or VirtualHost(f"{SHOP}:{port}", (SHOP,), (Route(rule("all"), to(APP)),))
        name = x509.DNSName(SHOP)
        bootstrap = static_bootstrap(
            self.folder,
            listeners=[gateway_listener(listener, SETTINGS)],
            clusters=[cluster(APP, SETTINGS), cluster(BYTES, SETTINGS), blackhole_cluster()],
            routes=[route_configuration(RouteConfiguration("routes", (shop,), "not_found"))],
            endpoints=[
                cluster_load_assignment(endpoints_of(APP, SERVER, port=9080)),
                cluster_load_assignment(endpoints_of(BYTES, SERVER, port=9081)),
            ],
            secrets=[
                self.authority.issue("kubernetes://default/shop", name),
                self.clients.roots("kubernetes://default/shop-cacert"),
                self.authority.issue("default", x509.UniformResourceIdentifier(identity("gateway"))),
                self.authority.roots("ROOTCA"),
            ],
        )
        return running(self.folder, bootstrap)

    def ask(self, *, host: str = SHOP, certificate: tuple[Path, Path] | None = None, port: int = 8443) -> Reply:
        """Asks by HTTPS, for a server that must be the shop."""
        context = self._context(certificate)
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=10, context=context)
        connection.sock = context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname=SHOP)
        try:
            connection.request("GET", "/", headers={"host": host})
            return Reply(connection.getresponse())
        finally:
            connection.close()

    def certificate(self) -> tuple[Path, Path]:
        """Returns the certificate and key of a client whose roots the gateway knows."""
        return self.clients.issue_files("client", x509.DNSName("client.example"))

    def _context(self, certificate: tuple[Path, Path] | None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.authority.path))
        if certificate:
            context.load_cert_chain(*certificate)
        return context


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.fixture
def app() -> Any:
    with HttpApp().at(SERVER, 9080) as app:
        yield app


def _https(mode: Any, **fields: Any) -> GatewayServer:
    tls = Tls(mode, certificates=(CREDENTIAL,), roots=f"{CREDENTIAL}-cacert", **fields)
    return GatewayServer(tls_names=(SHOP,), tls=tls, kind="http", route="routes", name=mode)


def test_plain_http_by_host(site: Site, app: HttpApp) -> None:
    with site.running(GatewayServer(tls_names=None, tls=None, kind="http", route="routes"), port=8080):
        assert get("127.0.0.1", 8080, headers={"host": SHOP}).status == 200
        assert get("127.0.0.1", 8080, headers={"host": f"{SHOP}:8080"}).status == 200
        assert get("127.0.0.1", 8080, headers={"host": "other.example"}).status == 404


def test_the_address_of_the_client_is_what_the_gateway_saw(site: Site, app: HttpApp) -> None:
    claimed = {"host": SHOP, "x-forwarded-for": "10.1.2.3", "x-forwarded-client-cert": "URI=spiffe://a/ns/b/sa/c"}
    with site.running(GatewayServer(tls_names=None, tls=None, kind="http", route="routes"), port=8080):
        sent = get("127.0.0.1", 8080, headers=claimed).json["headers"]
    assert sent["x-forwarded-for"] == "10.1.2.3,127.0.0.1"
    assert "x-forwarded-client-cert" not in sent


def test_a_redirect_to_https(site: Site, app: HttpApp) -> None:
    host = VirtualHost(f"{SHOP}:8080", (SHOP,), (Route(rule("all"), to(APP)),), https_redirect=True)
    plain = GatewayServer(tls_names=None, tls=None, kind="http", route="routes")
    with site.running(plain, port=8080, host=host):
        reply = get("127.0.0.1", 8080, headers={"host": SHOP})
    assert (reply.status, reply.headers["location"]) == (301, f"https://{SHOP}/")
    assert app.requests == []


def test_https(site: Site, app: HttpApp) -> None:
    with site.running(_https("one_way")):
        assert site.ask().status == 200
        assert site.ask(host="other.example").status == 404


def test_https_closes_connections_for_other_server_names(site: Site, app: HttpApp) -> None:
    other = GatewayServer(tls_names=("other.example",), tls=_https("one_way").tls, kind="http", route="routes")
    with site.running(other), pytest.raises((ssl.SSLError, ConnectionError)):
        site.ask()


def test_mutual_tls_asks_for_a_certificate_of_known_roots(site: Site, app: HttpApp) -> None:
    with site.running(_https("mutual")):
        reply = site.ask(certificate=site.certificate())
        assert "DNS=client.example" in reply.json["headers"]["x-forwarded-client-cert"]
        with pytest.raises((ssl.SSLError, ConnectionError)):
            site.ask()


def test_optional_mutual_tls_goes_without_a_certificate_but_not_with_a_wrong_one(site: Site, app: HttpApp) -> None:
    wrong = site.authority.issue_files("wrong", x509.DNSName("client.example"))
    with site.running(_https("optional_mutual")):
        assert site.ask().status == 200
        assert site.ask(certificate=site.certificate()).status == 200
        with pytest.raises((ssl.SSLError, ConnectionError)):
            site.ask(certificate=wrong)


def test_the_certificate_of_a_client_may_be_pinned(site: Site, app: HttpApp) -> None:
    with site.running(_https("mutual", pins=("00" * 32,))), pytest.raises((ssl.SSLError, ConnectionError)):
        site.ask(certificate=site.certificate())


def test_mesh_tls_asks_for_an_identity_of_the_mesh(site: Site, app: HttpApp) -> None:
    workload = site.authority.issue_files("workload", x509.UniformResourceIdentifier(identity("a")))
    foreign = site.authority.issue_files("foreign", x509.UniformResourceIdentifier(identity("a", "elsewhere")))
    with site.running(_https("mesh")) as envoy:
        assert _handshake(site, workload)
        assert not _handshake(site, foreign)
        assert envoy.ask("/ready")[0] == 200


def test_tls_is_passed_on_by_server_name(site: Site) -> None:
    """What the server sees is the client's own first message."""
    stream = StreamRoute(to(BYTES), tls_names=(SHOP,))
    passed = GatewayServer(tls_names=("*",), tls=None, kind="stream", streams=(stream,))
    seen: list[socket.socket] = []
    echo = StreamApp(seen=seen.append)  # what it answers is no TLS
    with echo.at(SERVER, 9081), site.running(passed), pytest.raises((ssl.SSLError, ConnectionError)):
        site.ask()
    assert len(seen) == 1


def test_bytes_behind_tls_of_the_gateway(site: Site) -> None:
    decrypted = GatewayServer(
        tls_names=(SHOP,), tls=_https("one_way").tls, kind="stream", streams=(StreamRoute(to(BYTES)),)
    )
    with StreamApp(b"welcome").at(SERVER, 9081), site.running(decrypted):
        context = ssl.create_default_context(cafile=str(site.authority.path))
        with context.wrap_socket(socket.create_connection(("127.0.0.1", 8443)), server_hostname=SHOP) as connection:
            connection.sendall(LINE)
            assert _read(connection, 7 + len(LINE)) == b"welcome" + LINE


def test_plain_bytes_and_a_server_that_speaks_first(site: Site) -> None:
    plain = GatewayServer(tls_names=None, tls=None, kind="stream", streams=(StreamRoute(to(BYTES)),))
    with StreamApp(b"welcome").at(SERVER, 9081), site.running(plain, port=9000):
        assert exchange("127.0.0.1", 9000, b"", 7) == b"welcome"


def test_two_servers_for_one_name_do_not_break_the_port(site: Site, app: HttpApp) -> None:
    stream = StreamRoute(to(BYTES), tls_names=(SHOP, "other.example"))
    second = GatewayServer(tls_names=(SHOP, "other.example"), tls=None, kind="stream", streams=(stream,))
    gateway: AbstractContextManager[Envoy] = site.running(_https("one_way"), second)
    with gateway:
        assert site.ask().status == 200


def _handshake(site: Site, certificate: tuple[Path, Path]) -> bool:
    """Whether a client gets as far as an answer; the gateway's own name is no host, so it is not checked."""
    context = ssl.create_default_context(cafile=str(site.authority.path))
    context.check_hostname = False
    context.load_cert_chain(*certificate)
    try:
        with context.wrap_socket(socket.create_connection(("127.0.0.1", 8443)), server_hostname=SHOP) as connection:
            connection.sendall(f"GET / HTTP/1.1\r\nhost: {SHOP}\r\n\r\n".encode())
            return connection.recv(12) == b"HTTP/1.1 200"
    except (ssl.SSLError, ConnectionError):
        return False


def _read(connection: ssl.SSLSocket, expect: int) -> bytes:
    received = b""
    while len(received) < expect and (more := connection.recv(4096)):
        received += more
    return received
