"""Header blocks: decompressed within bounds, checked as a request's, and written without any state.

What is written uses no dynamic table and no Huffman coding, so the same bytes go to every connection.
"""

from collections.abc import Iterable
from typing import Final

import hpack
from msgspec import Struct

from weft.serve.http2.errors import Code, ConnectionFaultError

Fields = tuple[tuple[str, str], ...]

_PSEUDO: Final = frozenset((":method", ":scheme", ":path", ":authority"))
_REQUIRED: Final = (":method", ":scheme", ":path")
_OF_CONNECTION: Final = frozenset(("connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"))


class BadHeadersError(ValueError):
    """Headers that no request may have."""


class Request(Struct, frozen=True):
    """The headers of a request. `length` is its content-length, if it tells one."""

    method: str
    path: str
    fields: Fields
    length: int | None

    def values(self, name: str) -> tuple[str, ...]:
        """All values of a header, by its name in lower case."""
        return tuple(value for key, value in self.fields if key == name)


class HeaderDecoder:
    """The decompression of one connection (RFC 7541)."""

    def __init__(self, max_list_size: int) -> None:
        self._decoder = hpack.Decoder(max_header_list_size=max_list_size)

    def decode(self, block: bytes) -> Fields:
        """The fields of a block. What can't be decompressed ends the connection: its state is lost."""
        try:
            found = self._decoder.decode(block, raw=True)
            return tuple((name.decode("ascii"), value.decode("utf-8")) for name, value in _raw(found))
        except hpack.OversizedHeaderListError as error:
            raise ConnectionFaultError(Code.ENHANCE_YOUR_CALM, "too many headers") from error
        except (hpack.HPACKError, UnicodeDecodeError) as error:
            raise ConnectionFaultError(Code.COMPRESSION_ERROR, "headers that can't be read") from error


def _raw(found: Iterable[tuple[bytes, ...]]) -> Iterable[tuple[bytes, bytes]]:
    return ((field[0], field[1]) for field in found)


def read_request(fields: Fields) -> Request:
    """The request of these headers (RFC 9113, sections 8.2 and 8.3); BadHeadersError if they are none."""
    pseudo: dict[str, str] = {}
    regular = [field for field in fields if not field[0].startswith(":")]
    for name, value in fields[: len(fields) - len(regular)]:
        if name not in _PSEUDO or name in pseudo:
            raise BadHeadersError(f"pseudo-header {name!r} is unknown, comes twice, or comes late")
        pseudo[name] = value
    if any(not pseudo.get(name) for name in _REQUIRED):
        raise BadHeadersError("a pseudo-header is missing")
    check_fields(regular)
    return Request(pseudo[":method"], pseudo[":path"], tuple(regular), _length(regular))


def check_fields(fields: Iterable[tuple[str, str]]) -> None:
    """Refuses pseudo-headers, upper case, and headers of a single hop: among a request's fields, or in trailers."""
    for name, value in fields:
        if not name or name.startswith(":") or name != name.lower():
            raise BadHeadersError(f"{name!r} is no name of a header")
        if name in _OF_CONNECTION or (name == "te" and value != "trailers"):
            raise BadHeadersError(f"header {name!r} has no place in HTTP/2")


def _length(fields: Iterable[tuple[str, str]]) -> int | None:
    found = {value for name, value in fields if name == "content-length"}
    if not found:
        return None
    text = found.pop()
    if found or not (text.isascii() and text.isdigit() and len(text) < 20):
        raise BadHeadersError("content-length is no number")
    return int(text)


def encode_headers(fields: Iterable[tuple[str, str]]) -> bytes:
    """A block of literal fields that no table remembers (RFC 7541, section 6.2.2)."""
    return b"".join(b"\x00" + _literal(name) + _literal(value) for name, value in fields)


def _literal(text: str) -> bytes:
    """A string without Huffman coding, its length before it as an integer of 7 bits and more (section 5.1)."""
    raw = text.encode()
    length = len(raw)
    if length < 127:
        return bytes((length,)) + raw
    size, rest = bytearray((127,)), length - 127
    while rest >= 128:
        size.append(rest % 128 + 128)
        rest //= 128
    size.append(rest)
    return bytes(size) + raw
