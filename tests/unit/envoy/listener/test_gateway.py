"""Listeners of gateways; tests/e2e/envoy/test_gateway.py shows them at work."""

from typing import Any

from tests.golden.envoy.views import AUTHORIZATIONS
from tests.unit.envoy.listener.chain import chains, filters, http_filters, inspectors, leads_to
from tests.unit.envoy.make import json_of, to, typed

from weft.envoy.listener.gateway import gateway_listener
from weft.ir.settings import MeshSettings
from weft.ir.values import Tls
from weft.ir.view import GatewayListener, GatewayServer, StreamRoute

SETTINGS = MeshSettings(access_log="/dev/stdout")
A, B = "outbound|80||a", "outbound|80||b"
PLAIN = GatewayServer(tls_names=None, tls=None, kind="http", route="http.80")


def _listener(*servers: GatewayServer, **fields: Any) -> Any:
    return gateway_listener(GatewayListener(bind="", port=443, servers=servers, **fields), SETTINGS)


def _https(*names: str, mode: Any = "one_way", **fields: Any) -> GatewayServer:
    tls = Tls(mode, ("secret:a/b",), **fields)
    return GatewayServer(tls_names=names, tls=tls, kind="http", route="https.443", name=mode)


def _streams(*names: str, streams: tuple[StreamRoute, ...], tls: Tls | None = None) -> GatewayServer:
    return GatewayServer(tls_names=names or None, tls=tls, kind="stream", streams=streams, name="stream")


def _names(listener: Any) -> list[Any]:
    return [chain.get("filterChainMatch", {}).get("serverNames") for chain in chains(listener)]


def test_the_name_says_where_it_listens() -> None:
    assert json_of(_listener(PLAIN))["name"] == "0.0.0.0_443"
    bound = gateway_listener(GatewayListener(bind="10.0.0.1", port=80, servers=(PLAIN,)), SETTINGS)
    assert json_of(bound)["address"]["socketAddress"] == {"address": "10.0.0.1", "portValue": 80}


def test_the_gateway_believes_its_own_eyes_alone() -> None:
    (chain,) = chains(_listener(PLAIN))
    config = chain["filters"][0]["typedConfig"]
    assert (config["useRemoteAddress"], config["forwardClientCertDetails"]) == (True, "SANITIZE_SET")


def test_a_connection_from_outside_has_no_larger_windows_than_envoy_gives() -> None:
    (chain,) = chains(_listener(PLAIN))
    assert chain["filters"][0]["typedConfig"]["http2ProtocolOptions"] == {"allowConnect": True}


def test_policies_come_before_everything_else() -> None:
    (chain,) = chains(_listener(PLAIN))
    assert http_filters(chain)[:3] == ["weft.rbac.audit", "weft.rbac.deny", "weft.rbac.allow"]
    assert http_filters(chain)[-1] == "envoy.filters.http.router"


def test_tls_is_looked_for_where_it_may_come() -> None:
    assert inspectors(_listener(PLAIN)) == {}
    assert list(inspectors(_listener(_https("a")))) == ["tls_inspector"]


def test_modes_of_tls() -> None:
    found = {}
    for mode in ("one_way", "mutual", "optional_mutual", "mesh"):
        (chain,) = chains(_listener(_https("a", mode=mode, roots="secret:a/b-cacert")))
        context = typed(chain["transportSocket"])
        validates = any("alidationContext" in key for key in context["commonTlsContext"])
        found[mode] = (context["requireClientCertificate"], validates)
    assert found == {
        "one_way": (False, False),
        "mutual": (True, True),
        "optional_mutual": (False, True),
        "mesh": (True, True),
    }


def test_a_server_in_the_mesh_may_state_whom_it_expects() -> None:
    names = (("exact", "spiffe://a/b"),)
    (chain,) = chains(_listener(_https("a", mode="mesh", peer_names=names)))
    context = typed(chain["transportSocket"])["commonTlsContext"]["combinedValidationContext"]
    assert context["defaultValidationContext"]["matchTypedSubjectAltNames"][0]["matcher"] == {"exact": "spiffe://a/b"}


def test_any_name_takes_clients_without_one_too() -> None:
    (chain,) = chains(_listener(_https("*")))
    assert chain["filterChainMatch"] == {"transportProtocol": "tls"}


def test_one_name_belongs_to_the_first_server_that_has_it() -> None:
    listener = _listener(_https("a", "b"), _https("b", "c"), _https("a"))
    assert _names(listener) == [["a", "b"], ["c"]]


def test_tls_is_passed_on_by_the_names_of_the_streams() -> None:
    listener = _listener(_streams("*", streams=(StreamRoute(to(A), tls_names=("a",)), StreamRoute(to(B)))))
    assert [(chain["filterChainMatch"], leads_to(chain)) for chain in chains(listener)] == [
        ({"serverNames": ["a"], "transportProtocol": "tls"}, A),
        ({"transportProtocol": "tls"}, B),
    ]
    assert all("transportSocket" not in chain for chain in chains(listener))


def test_streams_of_a_server_that_state_no_name_have_the_servers() -> None:
    listener = _listener(_streams("a.example", streams=(StreamRoute(to(A)),), tls=Tls("one_way", ("secret:a/b",))))
    (chain,) = chains(listener)
    assert chain["filterChainMatch"]["serverNames"] == ["a.example"]
    assert "alpnProtocols" not in typed(chain["transportSocket"])["commonTlsContext"]


def test_plain_bytes_take_everything() -> None:
    (chain,) = chains(_listener(_streams(streams=(StreamRoute(to(A)),))))
    assert "filterChainMatch" not in chain


def test_traffic_of_another_network_goes_where_its_server_name_says() -> None:
    between = GatewayServer(tls_names=("*.local",), tls=Tls("passthrough_mesh"), kind="stream")
    (chain,) = chains(_listener(between))
    assert filters(chain) == ["sni_cluster", "tcp_proxy"]
    assert leads_to(chain) == "BlackHoleCluster"
    assert chain["filterChainMatch"]["applicationProtocols"][:2] == ["istio-peer-exchange", "istio"]


def test_policies_on_bytes() -> None:
    listener = _listener(_streams(streams=(StreamRoute(to(A)),)), authorizations=AUTHORIZATIONS)
    assert filters(chains(listener)[0]) == ["deny", "allow", "set_filter_state", "tcp_proxy"]
