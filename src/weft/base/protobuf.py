"""Protobuf messages of the Envoy API, of OpenTelemetry and of Weft's own .proto files, by full name.

The descriptors are one file in the package, made at build time (hatch_build.py), and live in a private pool: no
generated package is needed at run time, and whatever else is imported into the process can't clash. In return, messages
of the default pool (`google.protobuf.duration_pb2` and the like) are refused as values: build every message here.

Messages are mutable and compare by value; treat a message that was handed out as frozen.
"""

import importlib.resources
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from weft.base.wire import plain_struct

TYPE_URL_PREFIX = "type.googleapis.com/"

_DESCRIPTORS = "descriptors.binpb"


class ProtobufError(ValueError):
    """A message, a field or a value that the descriptors do not allow; the text names it."""


@cache
def _pool() -> DescriptorPool:
    source = importlib.resources.files(__package__) / _DESCRIPTORS
    try:
        data = source.read_bytes()
    except FileNotFoundError:
        raise RuntimeError(f"{source} is missing: installing Weft makes it (pip install --editable .)") from None
    pool = DescriptorPool()
    for file in FileDescriptorSet.FromString(data).file:  # each comes after its imports
        pool.AddSerializedFile(file.SerializeToString())
    return pool


@cache
def message_class(full_name: str) -> type[Message]:
    """Returns the class of a message, e.g. `envoy.config.cluster.v3.Cluster`; ProtobufError if there is none."""
    try:
        return GetMessageClass(_pool().FindMessageTypeByName(full_name))
    except KeyError:
        raise ProtobufError(f"no protobuf message is named {full_name!r}") from None


def new(full_name: str, /, **fields: Any) -> Message:
    """Builds a message from its fields, named as in the .proto file.

    A value is a scalar, a message of this module, a dict for a message (recursively), a list, a dict for a map, or an
    enum value's name. None leaves a field unset. A Duration may also be a `timedelta`, and a Struct a dict of plain
    JSON; as the value of a map a Struct needs `struct()`. Raises ProtobufError for an unknown field or a wrong value.
    """
    message_type = message_class(full_name)
    try:
        return message_type(**fields)
    except (TypeError, ValueError) as error:
        refused = [name for name, value in fields.items() if not _accepts(message_type, name, value)]
        raise ProtobufError(f"{full_name}, field {', '.join(refused)}: {error}") from error


def _accepts(message_type: type[Message], name: str, value: object) -> bool:
    try:
        message_type(**{name: value})
    except (TypeError, ValueError):
        return False
    return True


@lru_cache(maxsize=1024)  # there are few different ones
def duration(milliseconds: int) -> Message:
    """Returns a google.protobuf.Duration."""
    result: Any = message_class("google.protobuf.Duration")()
    result.FromMilliseconds(milliseconds)
    return result  # type: ignore[no-any-return]


def struct(values: Mapping[str, Any]) -> Message:
    """Returns a google.protobuf.Struct holding plain JSON values."""
    return parse("google.protobuf.Struct", plain_struct(values))


def type_url(full_name: str) -> str:
    """Returns the type URL by which xDS and google.protobuf.Any name a message."""
    return TYPE_URL_PREFIX + full_name


def pack(message: Message) -> Message:
    """Returns the google.protobuf.Any that holds `message`, its bytes deterministic."""
    return new(
        "google.protobuf.Any",
        type_url=type_url(message.DESCRIPTOR.full_name),
        value=serialize(message),
    )


def unpack(packed: Message) -> Message:
    """Returns the message in a google.protobuf.Any; ProtobufError if its type is unknown or its bytes are no such."""
    content: Any = packed
    return parse(content.type_url.rpartition("/")[2], content.value)


def serialize(message: Message) -> bytes:
    """Returns the wire form; equal messages give equal bytes (map entries are sorted)."""
    return message.SerializeToString(deterministic=True)


def parse(full_name: str, data: bytes) -> Message:
    """Returns the message of that wire form; ProtobufError if it is none. Unknown fields are kept."""
    try:
        return message_class(full_name).FromString(data)
    except DecodeError as error:
        raise ProtobufError(f"{full_name}: {error}") from error


def to_dict(message: Message) -> dict[str, Any]:
    """Returns the message in proto3 JSON: lowerCamelCase names, defaults left out, Any expanded beside its "@type".

    Raises ProtobufError when an Any inside is of an unknown type or does not parse.
    """
    try:
        return json_format.MessageToDict(message, descriptor_pool=_pool())
    except (TypeError, DecodeError, json_format.Error) as error:
        raise ProtobufError(f"{message.DESCRIPTOR.full_name}: {error}") from error


def from_dict(full_name: str, values: Mapping[str, Any]) -> Message:
    """Builds a message from proto3 JSON, in which field names may be lowerCamelCase or as in the .proto file.

    The bytes in an Any are deterministic, as those of `pack()`. Raises ProtobufError naming the field that is unknown
    or has a wrong value.
    """
    try:
        message = json_format.ParseDict(dict(values), message_class(full_name)(), descriptor_pool=_pool())
    except json_format.ParseError as error:
        raise ProtobufError(f"{full_name}: {error}") from error
    _make_deterministic(message)
    return message


def _make_deterministic(message: Any) -> None:
    """Orders the bytes in every Any inside, which ParseDict leaves in the order of a hash table with a random seed."""
    if message.DESCRIPTOR.full_name == "google.protobuf.Any" and message.type_url:
        content = unpack(message)
        _make_deterministic(content)
        message.value = serialize(content)
    for child in _children(message):
        _make_deterministic(child)


def _children(message: Message) -> Iterator[Message]:
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        if not field.is_repeated:
            yield value
        elif not field.message_type.GetOptions().map_entry:
            yield from value
        elif field.message_type.fields_by_name["value"].message_type is not None:
            yield from value.values()
