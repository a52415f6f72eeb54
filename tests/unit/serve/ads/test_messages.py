"""Requests are bounded and decoded; responses are joins that Envoy's own message reads."""

import pytest
from tests.unit.serve.ads.client import encode_request, item

from weft.base import protobuf
from weft.envoy.type_urls import CDS, EDS
from weft.serve.ads import messages
from weft.serve.ads.messages import RequestError, encode_resources, encode_rest, holding, parse_request


def test_a_request_is_decoded() -> None:
    node = {"id": "sidecar~1.2.3.4~a.b~c", "cluster": "x", "metadata": protobuf.struct({"K": {"a": 1}})}
    data = encode_request(
        EDS,
        node=node,
        resource_names_subscribe=["a"],
        resource_names_unsubscribe=["b"],
        initial_resource_versions={"c": "1"},
        response_nonce="7",
        error_detail={"code": 3, "message": "why"},
    )
    request = parse_request(data)
    assert (request.type_url, request.subscribe, request.unsubscribe) == (EDS, frozenset("a"), frozenset("b"))
    assert (request.held.without(frozenset()), request.nonce, request.error) == ({"c": "1"}, "7", "why")
    assert request.held.entries == {holding("c", "1")}
    assert request.node is not None
    assert (request.node.id, request.node.metadata) == ("sidecar~1.2.3.4~a.b~c", {"K": {"a": 1}})


def test_an_accepting_answer_has_no_error_and_no_node() -> None:
    request = parse_request(encode_request(CDS, response_nonce="1"))
    assert request.error is None
    assert request.node is None


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\xff\xff\xff", "no delta discovery request"),
        (encode_request(""), "type_url"),
        (encode_request("t" * 300), "type_url"),
        (encode_request(CDS, resource_names_subscribe=[""]), "name of a resource"),
        (encode_request(CDS, resource_names_subscribe=["n" * 3000]), "name of a resource"),
        (encode_request(CDS, resource_names_subscribe=["a", "b", "c"]), "may name 2 resources"),
        (encode_request(CDS, resource_names_unsubscribe=["a", "b", "c"]), "may name 2 resources"),
        (encode_request(CDS, initial_resource_versions={"a": "1", "b": "1", "c": "1"}), "may tell 2 versions"),
    ],
)
def test_a_bad_or_huge_request_is_refused(data: bytes, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "_MAX_NAMES", 2)
    with pytest.raises(RequestError, match=why):
        parse_request(data)


def test_a_huge_error_is_cut() -> None:
    data = encode_request(CDS, response_nonce="1", error_detail={"code": 3, "message": "x" * 100_000})
    assert len(parse_request(data).error or "") == 4096


def test_a_response_is_what_protobuf_would_have_made() -> None:
    resources = [item(EDS, "a", "1"), item(EDS, "b" * 300, "2" * 70_000)]
    built = protobuf.new(
        "envoy.service.discovery.v3.DeltaDiscoveryResponse",
        type_url=EDS,
        nonce="1f",
        removed_resources=["x", "y"],
        resources=[protobuf.parse("envoy.service.discovery.v3.Resource", resource.wire) for resource in resources],
    )
    joined = encode_resources(EDS, resources) + encode_rest("1f", ["x", "y"])
    assert joined == protobuf.serialize(built)
