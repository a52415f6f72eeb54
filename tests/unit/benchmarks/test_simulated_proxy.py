"""What simulated proxies ask for, how they read responses, and when they count as configured."""

from typing import Any

import pytest
from benchmarks.ads.arrivals import Arrivals, Mark
from benchmarks.ads.content import Protocol, Reader, Response
from benchmarks.ads.proxy import Proxy
from benchmarks.ads.wire import WireError, content, spans, varint

from weft.base import protobuf
from weft.base.wire import bytes_field
from weft.base.wire import varint as encoded
from weft.envoy.type_urls import CDS, EDS, LDS, RDS, SDS, VHDS

ADS: dict[str, Any] = {"ads": {}}
MANAGER = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
TABLE = "envoy.config.route.v3.RouteConfiguration"
TLS = "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"
REQUESTS = {
    "delta": "envoy.service.discovery.v3.DeltaDiscoveryRequest",
    "sotw": "envoy.service.discovery.v3.DiscoveryRequest",
}


def cluster(name: str, *, service: str = "", secret: str = "", source: Any = ADS) -> Any:
    configuration = {"service_name": service, "eds_config": source}
    made = protobuf.new("envoy.config.cluster.v3.Cluster", name=name, type="EDS", eds_cluster_config=configuration)
    if secret:
        named = [{"name": secret, "sds_config": source}]
        tls = protobuf.new(TLS, common_tls_context={"tls_certificate_sds_secret_configs": named})
        made.transport_socket.typed_config.CopyFrom(protobuf.pack(tls))  # type: ignore[attr-defined]
    return made


def listener(name: str, route: str) -> Any:
    manager = protobuf.new(MANAGER, stat_prefix="a", rds={"route_config_name": route, "config_source": ADS})
    chain = {"filters": [{"name": "http", "typed_config": protobuf.pack(manager)}]}
    return protobuf.new("envoy.config.listener.v3.Listener", name=name, filter_chains=[chain])


def endpoints(name: str, address: str = "10.0.0.1") -> Any:
    place = {"socket_address": {"address": address, "port_value": 80}}
    locality = {"lb_endpoints": [{"endpoint": {"address": place}}]}
    return protobuf.new("envoy.config.endpoint.v3.ClusterLoadAssignment", cluster_name=name, endpoints=[locality])


def routes(name: str) -> Any:
    return protobuf.new(TABLE, name=name)


def secret(name: str) -> Any:
    return protobuf.new("envoy.extensions.transport_sockets.tls.v3.Secret", name=name)


def name_of(resource: Any) -> str:
    return str(getattr(resource, "cluster_name", "") or resource.name)


def response(
    protocol: Protocol, type_url: str, *resources: Any, nonce: str = "n", removed: tuple[str, ...] = ()
) -> bytes:
    packed = [protobuf.pack(each) for each in resources]
    if protocol == "sotw":
        full = "envoy.service.discovery.v3.DiscoveryResponse"
        return protobuf.serialize(
            protobuf.new(full, version_info="v1", resources=packed, type_url=type_url, nonce=nonce)
        )
    named = [
        {"name": name_of(each), "version": "1", "resource": one} for each, one in zip(resources, packed, strict=True)
    ]
    full = "envoy.service.discovery.v3.DeltaDiscoveryResponse"
    return protobuf.serialize(
        protobuf.new(full, resources=named, type_url=type_url, nonce=nonce, removed_resources=list(removed))
    )


class Talk:
    """A proxy, and what it says, as messages."""

    def __init__(self, protocol: Protocol) -> None:
        self.protocol: Protocol = protocol
        self.reader = Reader(protocol)
        self.proxy = Proxy(protobuf.serialize(protobuf.new("envoy.config.core.v3.Node", id="a")), protocol)

    def parsed(self, data: bytes) -> Any:
        return protobuf.parse(REQUESTS[self.protocol], data)

    def tell(self, type_url: str, *resources: Any, removed: tuple[str, ...] = ()) -> list[Any]:
        data = response(self.protocol, type_url, *resources, removed=removed)
        return [self.parsed(each) for each in self.proxy.take(self.reader.read(data))]

    def names(self, request: Any) -> list[str]:
        field = "resource_names_subscribe" if self.protocol == "delta" else "resource_names"
        return list(getattr(request, field))


@pytest.mark.parametrize("protocol", ["delta", "sotw"])
def test_a_proxy_asks_for_what_it_is_told_of_until_it_has_all(protocol: Protocol) -> None:
    talk = Talk(protocol)
    (first,) = map(talk.parsed, talk.proxy.begin())
    assert (first.node.id, first.type_url, talk.names(first)) == ("a", CDS, [])
    accepted, wanted, secrets = talk.tell(CDS, cluster("one", secret="own"), cluster("two", service="other"))
    assert (accepted.type_url, accepted.response_nonce) == (CDS, "n")
    assert (wanted.type_url, talk.names(wanted)) == (EDS, ["one", "other"])
    assert (secrets.type_url, talk.names(secrets)) == (SDS, ["own"])
    _, listeners = talk.tell(EDS, endpoints("one"), endpoints("other"))
    assert (listeners.type_url, talk.names(listeners)) == (LDS, [])
    _, tables = talk.tell(LDS, listener("l", "80"))
    assert (tables.type_url, talk.names(tables)) == (RDS, ["80"])
    talk.tell(RDS, routes("80"))
    assert not talk.proxy.configured
    talk.tell(SDS, secret("own"))
    assert talk.proxy.configured


def test_listeners_wait_for_all_endpoints() -> None:
    talk = Talk("delta")
    talk.tell(CDS, cluster("one"), cluster("two"))
    assert [each.type_url for each in talk.tell(EDS, endpoints("one"))] == [EDS]
    assert [each.type_url for each in talk.tell(EDS, endpoints("two"))] == [EDS, LDS]


def test_endpoints_that_the_server_has_not_count_as_told() -> None:
    talk = Talk("delta")
    talk.tell(CDS, cluster("one"))
    assert [each.type_url for each in talk.tell(EDS, removed=("one",))] == [EDS, LDS]


def test_virtual_hosts_are_asked_for_where_a_table_has_them_apart() -> None:
    talk = Talk("delta")
    talk.tell(CDS)
    talk.tell(LDS, listener("l", "80"))
    _, hosts = talk.tell(RDS, protobuf.new(TABLE, name="80", vhds={"config_source": ADS}))
    assert (hosts.type_url, list(hosts.resource_names_subscribe)) == (VHDS, [])
    assert not talk.proxy.configured
    data = response("delta", VHDS, protobuf.new("envoy.config.route.v3.VirtualHost", name="80/a"))
    arrivals = Arrivals(1, [Mark(RDS, b"80/a"), Mark(CDS, b"80/a")], 1)
    arrivals.note(0, talk.reader.read(data).content, 1.0)
    assert arrivals.times() == [[1.0], [None]]
    talk.proxy.take(talk.reader.read(data))
    assert talk.proxy.configured


def test_of_a_removed_cluster_no_endpoints_are_wanted() -> None:
    talk = Talk("delta")
    talk.tell(CDS, cluster("one"), cluster("two"))
    _, change = talk.tell(CDS, cluster("three"), removed=("one",))
    assert (list(change.resource_names_subscribe), list(change.resource_names_unsubscribe)) == (["three"], ["one"])


def test_of_a_cluster_that_is_left_out_no_endpoints_are_wanted() -> None:
    talk = Talk("sotw")
    talk.tell(CDS, cluster("one"), cluster("two"))
    _, change = talk.tell(CDS, cluster("two"))
    assert list(change.resource_names) == ["two"]


def test_what_comes_from_elsewhere_is_not_asked_for() -> None:
    talk = Talk("delta")
    elsewhere = {"path_config_source": {"path": "/a"}}
    assert len(talk.tell(CDS, cluster("one", secret="own", source=elsewhere))) == 2
    assert talk.proxy.configured is False


def test_acceptance_of_the_whole_names_version_and_resources() -> None:
    talk = Talk("sotw")
    talk.tell(CDS, cluster("one"))
    accepted = talk.tell(EDS, endpoints("one"))[0]
    assert (accepted.version_info, accepted.response_nonce, list(accepted.resource_names)) == ("v1", "n", ["one"])


@pytest.mark.parametrize("protocol", ["delta", "sotw"])
def test_equal_resources_are_read_once_and_longer_ones_are_others(protocol: Protocol) -> None:
    reader = Reader(protocol)
    one = reader.read(response(protocol, EDS, endpoints("a"), nonce="1"))
    same = reader.read(response(protocol, EDS, endpoints("a"), nonce="22"))
    more = reader.read(response(protocol, EDS, endpoints("a"), endpoints("b")))
    assert same.content is one.content
    assert (same.nonce, one.nonce) == (b"22", b"1")
    assert (one.content.names, more.content.names) == (frozenset({b"a"}), frozenset({b"a", b"b"}))


def test_a_response_without_resources_is_read() -> None:
    found = Reader("delta").read(response("delta", EDS, removed=("a", "b")))
    assert (found.type_url, found.removed, found.content.names) == (EDS, (b"a", b"b"), frozenset())


def told(reader: Reader, *addresses: str) -> Response:
    return reader.read(response("delta", EDS, *(endpoints(f"c{each}", each) for each in addresses)))


def test_an_arrival_is_the_first_response_with_the_mark() -> None:
    reader, arrivals = Reader("delta"), Arrivals(1, [Mark(EDS, b"10.0.0.7"), Mark(RDS, b"10.0.0.7")], 2)
    arrivals.note(0, told(reader, "10.0.0.6").content, 1.0)
    arrivals.note(0, told(reader, "10.0.0.7").content, 2.0)
    arrivals.note(0, told(reader, "10.0.0.7").content, 3.0)
    arrivals.note(1, told(reader, "10.0.0.7").content, 4.0)
    assert arrivals.times() == [[2.0, 4.0], [None, None]]
    assert arrivals.awaited == 2


def test_what_was_overtaken_arrived_with_what_overtook_it() -> None:
    marks = [Mark(EDS, b"10.0.0.7", "a"), Mark(EDS, b"10.0.0.8", "b"), Mark(EDS, b"10.0.0.9", "a")]
    reader, arrivals = Reader("delta"), Arrivals(1, marks, 1)
    arrivals.note(0, told(reader, "10.0.0.9").content, 5.0)
    assert arrivals.times() == [[5.0], [None], [5.0]]


def test_another_watch_looks_again_at_what_is_known() -> None:
    reader = Reader("delta")
    Arrivals(1, [Mark(EDS, b"10.0.0.8")], 1).note(0, told(reader, "10.0.0.7").content, 1.0)
    later = Arrivals(2, [Mark(EDS, b"10.0.0.7")], 1)
    later.note(0, told(reader, "10.0.0.7").content, 2.0)
    assert later.times() == [[2.0]]


@pytest.mark.parametrize("number", [0, 1, 127, 128, 300, 2**31])
def test_numbers_are_read_as_they_are_written(number: int) -> None:
    assert varint(b"x" + encoded(number) + b"y", 1) == (number, 1 + len(encoded(number)))


def test_fields_that_hold_no_bytes_are_passed_over() -> None:
    data = b"\x08\x96\x01" + bytes_field(2, b"ab") + b"\x1d1234" + b"\x2112345678" + bytes_field(5, b"c")
    assert [(field, data[start:end]) for field, _, start, end in spans(data)] == [(2, b"ab"), (5, b"c")]
    assert content(data, 5) == b"c"
    assert content(data, 9) == b""


@pytest.mark.parametrize("data", [b"\x0a\x05ab", b"\x80", b"\x0b"])
def test_bytes_that_are_no_message_are_refused(data: bytes) -> None:
    with pytest.raises(WireError):
        list(spans(data))


def test_on_a_new_stream_a_proxy_tells_what_it_has() -> None:
    talk = Talk("delta")
    talk.tell(CDS, cluster("one"), cluster("two"))
    talk.tell(EDS, endpoints("one"), endpoints("two"))
    talk.tell(CDS, cluster("three"), removed=("one",))
    clusters, places, listeners = map(talk.parsed, talk.proxy.begin())
    assert (clusters.node.id, dict(clusters.initial_resource_versions)) == ("a", {"two": "1", "three": "1"})
    assert sorted(places.resource_names_subscribe) == ["three", "two"]
    assert "two" in places.initial_resource_versions
    assert (listeners.type_url, listeners.HasField("node")) == (LDS, False)


def test_on_a_new_stream_of_the_whole_a_proxy_tells_its_versions() -> None:
    talk = Talk("sotw")
    talk.tell(CDS, cluster("one"))
    clusters, places = map(talk.parsed, talk.proxy.begin())
    assert (clusters.node.id, clusters.version_info, clusters.response_nonce) == ("a", "v1", "")
    assert (list(places.resource_names), places.version_info) == (["one"], "")
