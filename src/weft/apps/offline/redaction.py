"""Secrets without what nobody may see, in the form of Envoy's own dumps. Pure.

Source: the fields of envoy.extensions.transport_sockets.tls.v3 that are marked `udpa.annotations.sensitive`; Envoy's
`/config_dump` writes `[redacted]` in their place.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Final

Json = dict[str, Any]

_TEXT: Final = "[redacted]"
REDACTED: Final = base64.b64encode(_TEXT.encode()).decode()
"""What stands in the place of bytes."""

_INLINE: Final[Mapping[str, str]] = {"inlineBytes": REDACTED, "inlineString": _TEXT}
_SENSITIVE: Final = frozenset({"privateKey", "password", "keys", "secret", "secrets", "pkcs12"})


def redacted(secret: Json) -> Json:
    """A Secret in proto3 JSON with its keys made unreadable. Names of files and of variables stay."""
    return {name: _hidden(value) if name in _SENSITIVE else _inside(value) for name, value in secret.items()}


def _inside(value: Any) -> Any:
    if isinstance(value, dict):
        return redacted(value)
    return [_inside(each) for each in value] if isinstance(value, list) else value


def _hidden(value: Any) -> Any:
    """A data source, or several, or anything that holds some."""
    if isinstance(value, dict):
        return {name: _INLINE.get(name) or _hidden(each) for name, each in value.items()}
    return [_hidden(each) for each in value] if isinstance(value, list) else value
