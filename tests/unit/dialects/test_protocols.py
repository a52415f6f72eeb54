"""Which protocol a port speaks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.dialects.protocols import parse_protocol, port_protocol


@pytest.mark.parametrize(
    ("number", "name", "declared", "transport", "protocol"),
    [
        (80, "http", None, "TCP", "http"),
        (80, "http-web", None, "TCP", "http"),
        (80, "HTTP-web", None, "TCP", "http"),
        (80, "http2", None, "TCP", "http2"),
        (80, "grpc-api", None, "TCP", "grpc"),
        (80, "grpc-web", None, "TCP", "grpc_web"),
        (80, "grpc-web-api", None, "TCP", "grpc_web"),
        (443, "https", None, "TCP", "tls"),
        (443, "tls-a", None, "TCP", "tls"),
        (80, "tcp", None, "TCP", "tcp"),
        (27017, "mongo", None, "TCP", "mongo"),
        (3306, "mysql", None, "TCP", "mysql"),
        (6379, "redis", None, "TCP", "redis"),
        (80, "web", None, "TCP", "detect"),
        (80, "", None, "TCP", "detect"),
        (80, "httpx", None, "TCP", "detect"),
        (25, "", None, "TCP", "tcp"),
        (53, "dns", None, "TCP", "tcp"),
        (3306, "db", None, "TCP", "tcp"),
        (27017, "", None, "TCP", "tcp"),
        (3306, "http", None, "TCP", "http"),
        (80, "tcp-a", "http", "TCP", "http"),
        (80, "http", "tcp", "TCP", "tcp"),
        (80, "http", "kubernetes.io/h2c", "TCP", "http2"),
        (80, "tcp", "kubernetes.io/ws", "TCP", "http"),
        (80, "tcp", "kubernetes.io/wss", "TCP", "tls"),
        (80, "http", "example.com/own", "TCP", "detect"),
        (53, "http", None, "UDP", "udp"),
        (53, "", "http", "udp", "udp"),
    ],
)
def test_the_protocol_of_a_port(number: int, name: str, declared: str | None, transport: str, protocol: str) -> None:
    assert port_protocol(number, name, declared=declared, transport=transport) == protocol


@given(st.integers(1, 65_535), st.text(max_size=20), st.none() | st.text(max_size=20))
def test_what_is_declared_wins_over_the_name_and_both_over_the_number(
    number: int, name: str, declared: str | None
) -> None:
    found = port_protocol(number, name, declared=declared)
    if declared is not None:
        assert found == port_protocol(number, "tcp", declared=declared)
    elif parse_protocol(name) is not None:
        assert found == parse_protocol(name)


@pytest.mark.parametrize("text", ["", "spdy", "http/2"])
def test_an_unknown_protocol_is_none(text: str) -> None:
    assert parse_protocol(text) is None
