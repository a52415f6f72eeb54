"""Which HTTP a cluster speaks."""

from typing import Any

import pytest

from weft.base.protobuf import to_dict, unpack
from weft.envoy.protocol_options import OPTIONS, codec, protocol_options
from weft.ir.traffic import TrafficSettings


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


def _options(version: Any, **settings: Any) -> Any:
    built = protocol_options(version, TrafficSettings(**settings))
    assert built is not None
    return {key: value for key, value in to_dict(unpack(built[OPTIONS])).items() if key != "@type"}


def test_bytes_have_no_options() -> None:
    assert protocol_options("none", TrafficSettings(idle=5)) is None


def test_both_versions_where_the_client_chooses() -> None:
    both: dict[str, Any] = {"httpProtocolOptions": {}, "http2ProtocolOptions": {}}
    assert _options("as_client") == {"useDownstreamProtocolConfig": both}


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
        "maxConcurrentStreams": 10,
        "connectionKeepalive": {"interval": "30s", "timeout": "5s"},
    }


def test_zero_requests_per_connection_is_no_limit() -> None:
    assert "commonHttpProtocolOptions" not in _options("http1", requests_per_connection=0)
