"""Which HTTP a cluster speaks."""

from typing import Any, Final

import pytest

from weft.base.protobuf import to_dict, unpack
from weft.envoy.protocol_options import OPTIONS, codec, protocol_options
from weft.ir.traffic import TrafficSettings

_HTTP2: Final = {
    "allowConnect": True,
    "initialStreamWindowSize": 1048576,
    "initialConnectionWindowSize": 268435456,
}


@pytest.mark.parametrize(
    ("protocol", "http2", "expected"),
    [
        ("http", None, "http1"),
        ("http1", "off", "http1"),
        ("http", "upgrade", "http2"),
        ("http", "as_client", "as_client"),
        ("http2", None, "http2"),
        ("http2", "off", "http2"),
        ("grpc", None, "http2"),
        ("grpc_web", None, "http2"),
        ("grpc", "as_client", "as_client"),
        ("detect", None, "as_client"),
        ("detect", "upgrade", "http2"),
        ("tcp", "upgrade", "none"),
        ("tls", None, "none"),
        ("mysql", None, "none"),
    ],
)
def test_the_port_decides_the_version(protocol: Any, http2: Any, expected: str) -> None:
    assert codec(protocol, TrafficSettings(http2=http2)) == expected


def test_proxies_of_the_mesh_agree_on_a_version() -> None:
    assert codec("http", TrafficSettings(), negotiable=True) == "negotiated"
    assert codec("grpc", TrafficSettings(), negotiable=True) == "http2"
    assert codec("detect", TrafficSettings(), negotiable=True) == "as_client"
    assert codec("tcp", TrafficSettings(), negotiable=True) == "none"


@pytest.mark.parametrize(
    "stated", [{"http2": "off"}, {"connections": 1}, {"pending": 1}, {"requests_per_connection": 1}]
)
def test_an_author_who_decides_or_limits_connections_keeps_them(stated: dict[str, Any]) -> None:
    assert codec("http", TrafficSettings(**stated), negotiable=True) == "http1"


def _options(version: Any, **settings: Any) -> Any:
    built = protocol_options(version, TrafficSettings(**settings))
    assert built is not None
    return {key: value for key, value in to_dict(unpack(built[OPTIONS])).items() if key != "@type"}


def test_bytes_have_no_options() -> None:
    assert protocol_options("none", TrafficSettings(idle=5)) is None


def test_both_versions_where_the_client_chooses() -> None:
    both: dict[str, Any] = {"httpProtocolOptions": {}, "http2ProtocolOptions": _HTTP2}
    assert _options("as_client") == {"useDownstreamProtocolConfig": both}
    assert _options("negotiated") == {"autoConfig": both}


def test_limits_of_connections() -> None:
    built = _options("http1", idle=60_000, lifetime=3_600_000, requests_per_connection=1)
    assert built["commonHttpProtocolOptions"] == {
        "idleTimeout": "60s",
        "maxConnectionDuration": "3600s",
        "maxRequestsPerConnection": 1,
    }


def test_limits_and_pings_of_http2() -> None:
    built = _options("http2", streams=10, ping=(30_000, 5_000))
    assert built["explicitHttpConfig"]["http2ProtocolOptions"] == {
        **_HTTP2,
        "maxConcurrentStreams": 10,
        "connectionKeepalive": {"interval": "30s", "timeout": "5s"},
    }


def test_zero_requests_per_connection_is_no_limit() -> None:
    assert "commonHttpProtocolOptions" not in _options("http1", requests_per_connection=0)
