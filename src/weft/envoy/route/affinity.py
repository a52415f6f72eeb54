"""Requests that belong together and go to the same endpoint: by hash, or by a session that the proxy hands out."""

from collections.abc import Sequence
from typing import Any, Final

from google.protobuf.message import Message

from weft.base import protobuf
from weft.envoy.messages import extension, milliseconds

SESSION: Final = "envoy.extensions.filters.http.stateful_session.v3.StatefulSession"

_PER_ROUTE: Final = "envoy.extensions.filters.http.stateful_session.v3.StatefulSessionPerRoute"
_STATE: Final = "envoy.http.stateful_session"
_STATE_TYPE: Final = "envoy.extensions.http.stateful_session"


def hash_policy(key: Sequence[str]) -> dict[str, Any]:
    """Returns a HashPolicy for a key in the form of `TrafficSettings.hash_on`. Raises ValueError for another one."""
    match key:
        case ("header", name):
            return {"header": {"header_name": name}}
        case ("cookie", name, path, ttl):
            return {"cookie": {"name": name, "path": path, "ttl": milliseconds(int(ttl)) if ttl else None}}
        case ("query", name):
            return {"query_parameter": {"name": name}}
        case ("address",):
            return {"connection_properties": {"source_ip": True}}
    raise ValueError(f"{tuple(key)!r} is no key to hash by")


def session(sticky: Sequence[str]) -> Message:
    """Returns the per-route configuration of a session held in `("cookie", name, path, milliseconds)` or a header.

    The latter is `("header", name)`. Raises ValueError for another form.
    """
    match sticky:
        case ("cookie", name, path, ttl):
            cookie = {"name": name, "path": path, "ttl": milliseconds(int(ttl)) if ttl else None}
            state = extension(f"{_STATE}.cookie", f"{_STATE_TYPE}.cookie.v3.CookieBasedSessionState", cookie=cookie)
        case ("header", name):
            state = extension(f"{_STATE}.header", f"{_STATE_TYPE}.header.v3.HeaderBasedSessionState", name=name)
        case _:
            raise ValueError(f"{tuple(sticky)!r} is no place for a session")
    return protobuf.new(_PER_ROUTE, stateful_session=protobuf.new(SESSION, session_state=state))
