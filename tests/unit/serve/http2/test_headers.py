"""What is written can be read, by us and by the library."""

import hpack
from hypothesis import given
from hypothesis import strategies as st

from weft.serve.http2.headers import HeaderDecoder, encode_headers

texts = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=400)
names = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=200)


@given(st.lists(st.tuples(names, texts), max_size=5))
def test_fields_come_back(fields: list[tuple[str, str]]) -> None:
    assert list(HeaderDecoder(16_384).decode(encode_headers(fields))) == fields


@given(st.lists(st.tuples(names, texts), max_size=5))
def test_fields_of_others_are_read(fields: list[tuple[str, str]]) -> None:
    encoder, decoder = hpack.Encoder(), HeaderDecoder(16_384)
    for _ in range(2):
        assert list(decoder.decode(encoder.encode(fields))) == fields
