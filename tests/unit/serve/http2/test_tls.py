"""TLS in memory: connections that seal in one place never get each other's bytes."""

import ssl
from datetime import UTC, datetime

import pytest

from weft.identity.issue import issue_server
from weft.identity.signer import self_signed
from weft.serve.ca.serving import tls_context
from weft.serve.http2.errors import ConnectionFaultError
from weft.serve.http2.tls import Sealed, Tls

NOW = datetime.now(UTC)
CONTEXT = tls_context(issue_server(self_signed("td", NOW), ["127.0.0.1"], NOW))


class Client:
    """The other side, in memory as well."""

    def __init__(self) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(["h2"])
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.object = context.wrap_bio(self.incoming, self.outgoing)

    def shake(self) -> None:
        try:
            self.object.do_handshake()
        except ssl.SSLWantReadError:
            return

    def read(self, data: bytes) -> bytes:
        self.incoming.write(data)
        found = b""
        try:
            while content := self.object.read(1 << 20):
                found += content
        except ssl.SSLWantReadError:
            pass
        return found


def connected(sealed: Sealed, count: int) -> list[tuple[Client, Tls]]:
    """Connections whose handshakes took turns."""
    pairs = [(Client(), Tls(CONTEXT, sealed)) for _ in range(count)]
    for _ in range(2):
        for client, _ in pairs:
            client.shake()
        for client, server in pairs:
            server.open(client.outgoing.read())
        for client, server in pairs:
            client.incoming.write(server.take())
    assert all(server.established for _, server in pairs)
    return pairs


def test_connections_that_take_turns_get_their_own_bytes() -> None:
    sealed = Sealed()
    pairs = connected(sealed, 5)
    for size in (1, 16_384, 100_000):
        texts = [bytes([number]) * size for number in range(len(pairs))]
        for (client, _), text in zip(pairs, texts, strict=True):
            client.object.write(text)
        assert [server.open(client.outgoing.read()) for client, server in pairs] == texts
        answers = [server.seal(text) for (_, server), text in zip(pairs, texts, strict=True)]
        assert [client.read(answer) for (client, _), answer in zip(pairs, answers, strict=True)] == texts
    assert not sealed.bio.pending


def test_what_ends_a_connection_stays_with_it() -> None:
    """An alert for one that sends nonsense goes to nobody else."""
    sealed = Sealed()
    (client, server), (_, bad) = connected(sealed, 2)
    with pytest.raises(ConnectionFaultError):
        bad.open(b"\x17\x03\x03\x00\x20" + bytes(32))
    assert client.read(server.seal(b"mine")) == b"mine"
    assert bad.take(), "the alert"
    assert not sealed.bio.pending
