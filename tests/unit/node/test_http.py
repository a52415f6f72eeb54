"""weft.node: HTTP to unix sockets, the controller's API, Envoy's admin interface, and the checks of containers."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.unit.node.fakes import Handler, running, tcp_server, unix_server, until

from weft.model.local import Action, NodeOrders, PodReport, ProxyOrder, RedirectOrder
from weft.node.admin import EnvoyAdmin, count_connections
from weft.node.checks import PodChecker
from weft.node.controller import ControllerError
from weft.node.draining import drain
from weft.node.http import Answer, Call, HttpError
from weft.node.http_controller import HttpController
from weft.node.namespaces import NamespaceThread
from weft.node.unix_http import ask


async def echo(method: str, target: str, body: bytes) -> tuple[int, bytes]:
    return 200, f"{method} {target} {body.decode()}".encode()


async def test_a_socket_with_a_long_path_is_reached(tmp_path: Path) -> None:
    folder = tmp_path / ("deep" * 50)
    folder.mkdir()
    async with unix_server(folder / "api.sock", echo):
        answer = await ask(folder / "api.sock", Call(method="POST", target="/x?y=1", body=b"hello"))
    assert answer == Answer(200, b"POST /x?y=1 hello")


async def test_an_answer_that_is_too_long_is_refused(tmp_path: Path) -> None:
    async def flood(method: str, target: str, body: bytes) -> tuple[int, bytes]:
        return 200, b"x" * 1_000_000

    async with unix_server(tmp_path / "s", flood):
        with pytest.raises(HttpError, match="longer than 1000 bytes"):
            await ask(tmp_path / "s", Call(target="/", limit=1_000))


async def test_orders_go_on_when_the_controller_comes_back_with_other_revisions(tmp_path: Path) -> None:
    """A new controller counts anew: after a failure its orders are taken whatever their revision is."""
    asked: list[str] = []
    revision = 7

    async def orders(method: str, target: str, body: bytes) -> tuple[int, bytes]:
        asked.append(target)
        if target == "/v1/node/orders?after=7":
            await asyncio.sleep(0.05)
            return 204, b""
        return 200, msgspec.json.encode(NodeOrders(revision=revision))

    seen: list[int] = []

    async def follow() -> None:
        async for found in HttpController(tmp_path / "api").orders():
            seen.append(found.revision)

    async with running(follow()):
        async with unix_server(tmp_path / "api", orders):
            await until(lambda: len(asked) >= 3)
        assert seen == [7]
        assert asked[:2] == ["/v1/node/orders", "/v1/node/orders?after=7"]
        await asyncio.sleep(0.2)
        revision = 3
        async with unix_server(tmp_path / "api", orders):
            await until(lambda: 3 in seen)


async def test_reports_and_credentials_are_posted_as_json(tmp_path: Path) -> None:
    got: dict[str, bytes] = {}

    async def api(method: str, target: str, body: bytes) -> tuple[int, bytes]:
        got[f"{method} {target}"] = body
        return 200, b'{"token": "t", "root": "r", "expires": 5}' if "credentials" in target else b""

    report = PodReport(uid="u", phase="Running", ready=True)
    async with unix_server(tmp_path / "api", api):
        controller = HttpController(tmp_path / "api")
        await controller.report([report])
        assert (await controller.credentials("u")).token == "t"
    assert msgspec.json.decode(got["POST /v1/node/reports"], type=list[PodReport]) == [report]
    assert got["POST /v1/node/credentials"] == b'{"uid":"u"}'


@pytest.mark.parametrize(("status", "body"), [(500, b"broken"), (200, b"[1]"), (200, b"not json")])
async def test_a_controller_that_answers_nonsense_is_an_error(tmp_path: Path, status: int, body: bytes) -> None:
    async def api(method: str, target: str, _: bytes) -> tuple[int, bytes]:
        return status, body

    async with unix_server(tmp_path / "api", api):
        with pytest.raises(ControllerError):
            await HttpController(tmp_path / "api").credentials("u")
    with pytest.raises(ControllerError):
        await HttpController(tmp_path / "api").credentials("u")


STATS = """\
listener.0.0.0.0_15006.downstream_cx_active: 2
listener.0.0.0.0_15006.worker_0.downstream_cx_active: 2
listener.0.0.0.0_15021.downstream_cx_active: 1
listener.10.244.0.1_8080.downstream_cx_active: 3
listener.admin.downstream_cx_active: 1
"""


def test_connections_of_clients_are_told_from_those_of_probes() -> None:
    assert count_connections(STATS, 15006) == 2
    assert count_connections(STATS, None) == 5
    assert count_connections(STATS, 9999) is None
    assert count_connections("", None) is None


async def test_a_drain_ends_when_the_clients_have_gone(tmp_path: Path) -> None:
    asked: list[str] = []
    clients = [2, 1, 0]

    async def admin(method: str, target: str, body: bytes) -> tuple[int, bytes]:
        asked.append(f"{method} {target}")
        left = clients.pop(0) if len(clients) > 1 else 0
        return 200, f"listener.0.0.0.0_15006.downstream_cx_active: {left}\n".encode()

    order = ProxyOrder(bootstrap="{}", drain=5_000, redirect=RedirectOrder())
    loop = asyncio.get_running_loop()
    begin = loop.time()
    async with unix_server(tmp_path / "admin.sock", admin):
        await drain(EnvoyAdmin(tmp_path / "admin.sock"), order)
    assert asked[0] == "POST /drain_listeners?inboundonly&graceful"
    assert 1 <= loop.time() - begin < 4


async def test_a_drain_waits_no_longer_than_ordered(tmp_path: Path) -> None:
    async def admin(method: str, target: str, body: bytes) -> tuple[int, bytes]:
        return 200, b"listener.0.0.0.0_8080.downstream_cx_active: 1\n"

    loop = asyncio.get_running_loop()
    begin = loop.time()
    async with unix_server(tmp_path / "admin.sock", admin):
        await drain(EnvoyAdmin(tmp_path / "admin.sock"), ProxyOrder(bootstrap="{}", drain=300))
    assert 0.3 <= loop.time() - begin < 2
    await drain(EnvoyAdmin(tmp_path / "gone.sock"), ProxyOrder(bootstrap="{}"))


@contextlib.asynccontextmanager
async def checked(handler: Handler, context: ssl.SSLContext | None = None) -> AsyncIterator[tuple[PodChecker, int]]:
    """A checker of this machine's own network, and the port of a server there."""
    threads = NamespaceThread()
    try:
        async with tcp_server(handler, context) as port:
            yield PodChecker(threads, None, "127.0.0.1"), port
    finally:
        threads.close()


@pytest.mark.parametrize(
    ("status", "failure"), [(200, None), (399, None), (302, None), (400, "status 400"), (503, "status 503")]
)
async def test_http_checks_pass_from_200_to_399(status: int, failure: str | None) -> None:
    async def answer(method: str, target: str, body: bytes) -> tuple[int, bytes]:
        assert (method, target) == ("GET", "/a%20b?c=d")
        return status, b"body"

    async with checked(answer) as (checker, port):
        assert await checker.check(Action(http_path="/a b?c=d", port=port), 1_000) == failure


async def test_https_checks_take_any_certificate(tmp_path: Path) -> None:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "somebody")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now - timedelta(2)).not_valid_after(now - timedelta(1))
    text = builder.sign(key, SHA256()).public_bytes(Encoding.PEM)
    text += key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "server.pem").write_bytes(text)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    async with checked(echo, context) as (checker, port):
        assert await checker.check(Action(http_path="/", http_scheme="HTTPS", port=port), 1_000) is None
        assert await checker.check(Action(http_path="/", port=port), 1_000) is not None


async def test_a_check_ends_with_its_timeout() -> None:
    async def slow(method: str, target: str, body: bytes) -> tuple[int, bytes]:
        await asyncio.sleep(1)
        return 200, b""

    async with checked(slow) as (checker, port):
        assert await checker.check(Action(http_path="/", port=port), 50) == "no answer within 0.05 s"


async def test_a_tcp_check_only_connects() -> None:
    async with checked(echo) as (checker, port):
        assert await checker.check(Action(tcp=True, port=port), 1_000) is None
        assert await checker.check(Action(tcp=True, port=port, host="127.0.0.99"), 1_000) is not None


async def test_a_server_that_speaks_no_http_fails_its_check() -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-x\r\n")
        writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    threads = NamespaceThread()
    async with server:
        port = server.sockets[0].getsockname()[1]
        checker = PodChecker(threads, None, "127.0.0.1")
        for action in (Action(http_path="/", port=port), Action(grpc_service="", port=port)):
            assert await checker.check(action, 1_000) is not None
    threads.close()


async def test_a_command_passes_with_status_zero() -> None:
    async def run(command: tuple[str, ...]) -> int:
        return int(command[1])

    threads = NamespaceThread()
    checker = PodChecker(threads, None, "127.0.0.1", run)
    assert await checker.check(Action(command=("exit", "0")), 1_000) is None
    assert await checker.check(Action(command=("exit", "3")), 1_000) == "exit ended with status 3"
    threads.close()
