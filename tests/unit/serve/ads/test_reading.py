"""What many proxies say alike is read once."""

import pytest
from tests.unit.serve.ads.client import encode_request

from weft.envoy.type_urls import EDS
from weft.serve.ads.messages import RequestError
from weft.serve.ads.names import NameSets
from weft.serve.ads.reading import RequestReader

MANY = [f"service-{number}" for number in range(100)]


def reader() -> RequestReader:
    return RequestReader(NameSets())


@pytest.mark.parametrize("names", [["a"], MANY])
def test_equal_requests_are_read_once(names: list[str]) -> None:
    read, data = reader(), encode_request(EDS, resource_names_subscribe=names)
    assert read.read(data) is read.read(bytes(bytearray(data)))
    assert read.read(data).subscribe == frozenset(names)


def test_names_are_shared_also_where_the_rest_differs() -> None:
    read = reader()
    first, second = (
        read.read(encode_request(EDS, resource_names_subscribe=MANY, initial_resource_versions={"service-1": version}))
        for version in "12"
    )
    assert first.held != second.held
    assert first.subscribe is second.subscribe


def test_what_only_one_proxy_says_is_not_kept() -> None:
    """Its node, and the versions that it has: these would push out what others say, too."""
    read = reader()
    for fields in ({"node": {"id": "n"}}, {"initial_resource_versions": {"service-1": "1"}}):
        data = encode_request(EDS, resource_names_subscribe=MANY, **fields)
        assert read.read(data) is not read.read(data)


def test_a_bad_request_is_an_error_each_time() -> None:
    read = reader()
    for _ in range(2):
        with pytest.raises(RequestError):
            read.read(encode_request(EDS, resource_names_subscribe=[""]))
