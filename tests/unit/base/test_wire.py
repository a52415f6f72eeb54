"""What is written by hand is what protobuf reads, and would have written."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.base import protobuf
from weft.base.wire import bytes_field, map_field, number_field, plain_struct, string_field, varint

METADATA = "envoy.config.core.v3.Metadata"
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(("number", "wire"), [(0, b"\x00"), (127, b"\x7f"), (128, b"\x80\x01"), (300, b"\xac\x02")])
def test_varints(number: int, wire: bytes) -> None:
    assert varint(number) == wire


def test_fields() -> None:
    assert bytes_field(2, b"") == b"\x12\x00"
    assert string_field(1, "") == b""
    assert string_field(16, "é") == b"\x82\x01\x02\xc3\xa9"
    assert number_field(3, 0) == b""
    assert number_field(3, 300) == b"\x18\xac\x02"


@pytest.mark.parametrize("number", [-1, 2**32])
def test_a_number_that_the_field_does_not_hold_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match=str(number)):
        number_field(1, number)


@given(values=st.dictionaries(st.text(), JSON, max_size=5))
def test_a_struct_is_what_protobuf_would_have_made(values: dict[str, Any]) -> None:
    read = protobuf.parse("google.protobuf.Struct", plain_struct(values))
    assert read == protobuf.from_dict("google.protobuf.Struct", values)


@given(keys=st.lists(st.text(), unique=True, max_size=5))
def test_a_map_is_the_same_in_whatever_order_it_was_filled(keys: list[str]) -> None:
    values = {key: plain_struct({"key": key}) for key in keys}
    message = protobuf.new(
        "envoy.config.core.v3.Metadata", filter_metadata={k: protobuf.struct({"key": k}) for k in keys}
    )
    assert map_field(1, values) == map_field(1, dict(reversed(values.items())))
    assert protobuf.parse("envoy.config.core.v3.Metadata", map_field(1, values)) == message
