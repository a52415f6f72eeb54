"""Resources are bytes that protobuf reads back, named by what is in them."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from weft.base import protobuf
from weft.envoy.resource import resource
from weft.envoy.type_urls import CDS, SDS


@given(name=st.text(min_size=1), body=st.binary(max_size=400))
def test_a_resource_is_what_protobuf_would_have_made(name: str, body: bytes) -> None:
    made = resource(CDS, name, body)
    built = protobuf.new(
        "envoy.service.discovery.v3.Resource",
        name=name,
        version=made.version,
        resource=protobuf.new("google.protobuf.Any", type_url=CDS, value=body),
    )
    parsed: Any = protobuf.parse("envoy.service.discovery.v3.Resource", made.wire)
    assert parsed == built


def test_the_version_is_that_of_the_content() -> None:
    assert resource(CDS, "a", b"x") == resource(CDS, "a", b"x")
    assert resource(CDS, "a", b"x").version == resource(CDS, "b", b"x").version
    assert resource(CDS, "a", b"x").version != resource(CDS, "a", b"y").version
    assert len(resource(CDS, "a", b"x").version) == 16


def test_content_is_never_shown() -> None:
    secret = resource(SDS, "default", b"PRIVATE KEY")
    console = Console(record=True, width=200)
    console.print(secret)
    for text in (repr(secret), str(secret), f"{[secret]}", console.export_text()):
        assert "PRIVATE KEY" not in text
        assert "default" in text
