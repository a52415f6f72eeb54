"""Listener filters: they look at a connection before its filter chain is chosen."""

from collections.abc import Iterable
from typing import Any, Final

from google.protobuf.message import Message

from weft.base import protobuf
from weft.envoy.messages import extension
from weft.ir.settings import MeshSettings

_PACKAGE: Final = "envoy.extensions.filters.listener"
_NAMES: Final = "envoy.filters.listener"
_FILTER: Final = "envoy.config.listener.v3.ListenerFilter"


def original_destination() -> Message:
    """Returns the filter that learns the address that the client meant, before the redirect."""
    return _filter(extension(f"{_NAMES}.original_dst", f"{_PACKAGE}.original_dst.v3.OriginalDst"))


def original_source(mark: int) -> Message:
    """Returns the filter by which the application is called from the client's own address, with this mark."""
    name = "original_src"
    return _filter(extension(f"{_NAMES}.{name}", f"{_PACKAGE}.{name}.v3.OriginalSrc", mark=mark))


def tls_inspector(*, not_on: Iterable[int] = ()) -> Message:
    """Returns the filter that tells TLS from plaintext and reads the server name and protocols of the first message.

    It waits for the client's first bytes; on the ports `not_on` it does not, so that servers may speak first.
    """
    name = "tls_inspector"
    return _filter(extension(f"{_NAMES}.{name}", f"{_PACKAGE}.{name}.v3.TlsInspector"), not_on)


def http_inspector(*, not_on: Iterable[int] = ()) -> Message:
    """Returns the filter that recognises HTTP by the first bytes of plaintext; `not_on` as for `tls_inspector`."""
    name = "http_inspector"
    return _filter(extension(f"{_NAMES}.{name}", f"{_PACKAGE}.{name}.v3.HttpInspector"), not_on)


def waiting(settings: MeshSettings) -> dict[str, Any]:
    """Returns the fields of a listener that say how long inspectors wait (0: for ever). Then the connection goes on."""
    timeout = protobuf.duration(settings.detect)
    return {"listener_filters_timeout": timeout, "continue_on_listener_filters_timeout": True}


def _filter(fields: dict[str, Any], not_on: Iterable[int] = ()) -> Message:
    return protobuf.new(_FILTER, **fields, filter_disabled=_ports(sorted(set(not_on))))


def _ports(ports: list[int]) -> dict[str, Any] | None:
    rules = [{"destination_port_range": {"start": port, "end": port + 1}} for port in ports]
    if len(rules) > 1:
        return {"or_match": {"rules": rules}}
    return rules[0] if rules else None
