"""A resource as it goes to proxies: built to bytes once, then shared by every view and stream that holds it."""

from hashlib import blake2b

from msgspec import Struct

from weft.base.wire import bytes_field, string_field

_VERSION_BYTES = 8


class Resource(Struct, frozen=True, gc=False):
    """One named resource of a type.

    `version` is a hash of the content: equal content has an equal version in every replica and after every restart.
    `wire` is the encoded `envoy.service.discovery.v3.Resource`, ready to be joined into a response.
    """

    type_url: str
    name: str
    version: str
    wire: bytes

    def __repr__(self) -> str:
        """Leaves the bytes out: a secret holds a private key."""
        return f"Resource({self.type_url!r}, {self.name!r}, {self.version!r}, <{len(self.wire)} bytes>)"

    def __rich_repr__(self) -> list[tuple[str, str]]:
        """The same for rich, which would look into the fields."""
        return [("type_url", self.type_url), ("name", self.name), ("version", self.version)]


def resource_field(found: Resource) -> bytes:
    """The resource as envoy.service.discovery.v3.DiscoveryResponse has it: its field 2 is that of `wire`, an Any."""
    version, name = string_field(1, found.version), string_field(3, found.name)
    return found.wire[len(version) : len(found.wire) - len(name)]


def resource(type_url: str, name: str, body: bytes) -> Resource:
    """Returns the resource whose message, serialized deterministically, is `body`.

    The fields' numbers are those of envoy.service.discovery.v3.Resource (version 1, resource 2, name 3) and of
    google.protobuf.Any (type_url 1, value 2).
    """
    version = blake2b(body, digest_size=_VERSION_BYTES).hexdigest()
    content = string_field(1, type_url) + bytes_field(2, body)
    return Resource(type_url, name, version, string_field(1, version) + bytes_field(2, content) + string_field(3, name))


def with_version(found: Resource, version: str) -> Resource:
    """The same resource under another version."""
    content = found.wire[len(string_field(1, found.version)) :]
    return Resource(found.type_url, found.name, version, string_field(1, version) + content)
