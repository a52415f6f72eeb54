"""What answers questions about hosts."""

from typing import Any

import pytest

from weft.base import protobuf
from weft.envoy.listener.dns import answers, dns_listener, dns_stream_listener, resolvers_cluster
from weft.ir.settings import MeshSettings
from weft.ir.view import HostTable

HOSTS = (("echo", ("10.96.0.7",)), ("*.wild.example", ("fd00::7",)))


def filter_of(table: HostTable) -> Any:
    (found,) = protobuf.to_dict(dns_listener(table, MeshSettings()))["listenerFilters"]
    return found["typedConfig"]


def stream(table: HostTable) -> Any:
    return protobuf.to_dict(dns_stream_listener(table, MeshSettings()))


def target(listener: Any) -> str:
    cluster: str = listener["filterChains"][0]["filters"][-1]["typedConfig"]["cluster"]
    return cluster


def test_each_name_has_its_addresses_for_half_a_minute() -> None:
    domains = filter_of(HostTable(HOSTS))["serverConfig"]["inlineDnsTable"]["virtualDomains"]
    assert [each["name"] for each in domains] == ["echo", "*.wild.example"]
    assert domains[1]["endpoint"] == {"addressList": {"address": ["fd00::7"]}}
    assert {each["answerTtl"] for each in domains} == {"30s"}


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        (("10.96.0.7",), ["10.96.0.7", "::ffff:10.96.0.7"]),
        (("10.96.0.7", "fd00::7"), ["10.96.0.7", "fd00::7"]),
        (("fd00::7",), ["fd00::7"]),
    ],
)
def test_addresses_of_ipv4_alone_are_told_in_both_forms(addresses: tuple[str, ...], expected: list[str]) -> None:
    assert answers(addresses) == expected


def test_questions_arrive_on_loopback_of_each_family() -> None:
    one = protobuf.to_dict(dns_listener(HostTable(()), MeshSettings()))
    both = protobuf.to_dict(dns_listener(HostTable((), families=("IPv6", "IPv4")), MeshSettings()))
    place = one["address"]["socketAddress"]
    assert (place["protocol"], place["address"], place["portValue"]) == ("UDP", "127.0.0.1", 15053)
    assert "additionalAddresses" not in one
    assert [each["address"]["socketAddress"]["address"] for each in both["additionalAddresses"]] == ["::1"]


def test_without_resolvers_other_names_do_not_exist() -> None:
    table = HostTable(HOSTS)
    assert "clientConfig" not in filter_of(table)
    assert target(stream(table)) == "BlackHoleCluster"


def test_stated_resolvers_are_asked_for_other_names() -> None:
    table = HostTable(HOSTS, ("10.0.0.1", "fd00::1"))
    resolver = filter_of(table)["clientConfig"]["typedDnsResolverConfig"]["typedConfig"]
    assert [each["socketAddress"]["address"] for each in resolver["resolvers"]] == ["10.0.0.1", "fd00::1"]
    assert resolver["dnsResolverOptions"] == {"noDefaultSearchDomain": True}
    assert target(stream(table)) == "DnsResolvers"
    cluster = protobuf.to_dict(resolvers_cluster(table, MeshSettings()))
    assert len(cluster["loadAssignment"]["endpoints"][0]["lbEndpoints"]) == 2


def test_resolvers_of_the_place_are_asked_by_whoever_was_meant() -> None:
    table = HostTable(HOSTS, None)
    assert "resolvers" not in filter_of(table)["clientConfig"]["typedDnsResolverConfig"]["typedConfig"]
    assert target(stream(table)) == "PassthroughCluster"
    assert [each["name"] for each in stream(table)["listenerFilters"]] == ["envoy.filters.listener.original_dst"]
