"""Whether a text, an address or a port is among those that a condition names. Pure."""

import ipaddress
import re
from typing import Final

import re2

from weft.ir.values import Text

_PORTS: Final = re.compile(r"(tcp|udp|sctp|any):(\d+)(?:-(\d+))?")
_SEGMENT: Final = r"[a-zA-Z0-9\-._~%!$&'()+,;:@=]"
"""What one segment of a path that a template stands for may hold (Envoy's uri_template matcher)."""


def text_holds(text: Text, value: str) -> bool:
    """Whether a value has the form of a text. `present` holds for every value that is there."""
    kind, operand = text
    if kind in ("regex", "glob", "template"):
        return re2.fullmatch(_expression(text), value) is not None
    if kind in ("iexact", "iprefix"):
        return text_holds(("exact" if kind == "iexact" else "prefix", operand.lower()), value.lower())
    if kind in ("exact", "present"):
        return kind == "present" or value == operand
    return value.startswith(operand) if kind == "prefix" else value.endswith(operand)


def address_holds(block: str, address: str) -> bool:
    """Whether an address is, or is in, a block; those of IPv4 and IPv6 never meet."""
    return ipaddress.ip_address(address) in ipaddress.ip_network(block, strict=False)


def port_holds(ports: str, port: int) -> bool:
    """Whether a TCP port is among `tcp:80` or `tcp:80-90`. ValueError for a named port: it is resolved before (A11)."""
    match = _PORTS.fullmatch(ports)
    if match is None:
        raise ValueError(f"{ports!r} is no number of a port")
    protocol, first, last = match.groups()
    return protocol in ("tcp", "any") and int(first) <= port <= int(last or first)


def _expression(text: Text) -> str:
    kind, operand = text
    if kind == "regex":
        return operand
    if kind == "glob":
        return "(?s:.*)".join(_quote(part) for part in operand.split("*"))
    return _quote(operand).replace(_quote("{**}"), f"(?:{_SEGMENT}|/)*").replace(_quote("{*}"), f"{_SEGMENT}+")


def _quote(literal: str) -> str:
    return str(re2.escape(literal))
