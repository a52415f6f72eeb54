"""Edits of headers.

Envoy reads `%...%` in the value of a header as a command, and refuses the whole route table for one that it does not
know. So only well-formed commands that it does know are left as they are; any other percent sign is meant literally.
"""

import re
from collections.abc import Iterable
from typing import Any, Final

from weft.ir.values import Transform

_PLAIN: Final = (
    "BYTES_RECEIVED|HOSTNAME|PROTOCOL|REQUESTED_SERVER_NAME|RESPONSE_CODE|RESPONSE_CODE_DETAILS|RESPONSE_FLAGS"
    "|ROUTE_NAME|START_TIME|UPSTREAM_CLUSTER|UPSTREAM_HOST|UPSTREAM_LOCAL_ADDRESS|UPSTREAM_REMOTE_ADDRESS"
    "|DOWNSTREAM_(?:DIRECT_REMOTE|LOCAL|REMOTE)_ADDRESS(?:_WITHOUT_PORT)?|DOWNSTREAM_(?:LOCAL|REMOTE)_PORT"
    "|DOWNSTREAM_LOCAL_URI_SAN|DOWNSTREAM_PEER_(?:CERT|FINGERPRINT_256|SERIAL|SUBJECT|URI_SAN)"
    "|DOWNSTREAM_TLS_(?:CIPHER|VERSION)"
)
_HEADER_NAME: Final = r":?[A-Za-z0-9_-]+"
_COMMAND: Final = re.compile(
    rf"%%|%(?:{_PLAIN})%|%(?:REQ|RESP)\({_HEADER_NAME}(?:\?{_HEADER_NAME})?\)(?::\d{{1,5}})?%|%"
)


def request_edits(transform: Transform | None) -> dict[str, Any]:
    """Returns the fields of a route (or of one of its destinations) that edit the headers of requests."""
    return _edits("request", transform)


def response_edits(transform: Transform | None) -> dict[str, Any]:
    """Returns the fields that edit the headers of responses."""
    return _edits("response", transform)


def header_value(text: str) -> str:
    """Returns a header's value in which Envoy finds only commands that it knows."""
    return _COMMAND.sub(lambda found: "%%" if found[0] == "%" else found[0], text)


def _edits(side: str, transform: Transform | None) -> dict[str, Any]:
    if transform is None:
        return {}
    edits = [
        *_options(transform.set, "OVERWRITE_IF_EXISTS_OR_ADD"),
        *_options(transform.add, "APPEND_IF_EXISTS_OR_ADD"),
    ]
    return {f"{side}_headers_to_add": edits, f"{side}_headers_to_remove": list(transform.remove)}


def _options(headers: Iterable[tuple[str, str]], action: str) -> list[dict[str, Any]]:
    options = {"append_action": action, "keep_empty_value": True}
    return [{"header": {"key": name, "value": header_value(value)}, **options} for name, value in headers]
