"""Which TCP ports processes listen on in a network namespace, by the kernel's table (proc(5), /proc/PID/net/tcp)."""

import sys
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address
from pathlib import Path
from typing import Final

_LISTEN: Final = "0A"
_IPV4: Final = "127.0.0.1"
_IPV6: Final = "::1"
_REACHED_BY: Final = {
    "00000000": _IPV4,  # 0.0.0.0
    "0100007F": _IPV4,  # 127.0.0.1, in words of the machine's byte order
    "7F000001": _IPV4,
    "0" * 32: _IPV6,  # [::]
    "0" * 24 + "01000000": _IPV6,  # [::1]
    "0" * 31 + "1": _IPV6,
}
"""Local addresses in the table, and the address of the loopback device that leads there."""


def listening_ports(pid: int) -> dict[int, str]:
    """The ports that are reached by the loopback device in the network namespace of a process, each with the address
    that leads there, IPv4 where there is the choice. Raises OSError."""
    tables = Path(f"/proc/{pid}/net")
    over_ipv4 = listening_in((tables / "tcp").read_text())
    try:
        return listening_in((tables / "tcp6").read_text()) | over_ipv4
    except FileNotFoundError:  # a kernel without IPv6
        return over_ipv4


def listening_addresses(tables: Iterable[Path]) -> Iterator[IPv4Address]:
    """The addresses of IPv4 that somebody listens on, whoever that is, by such tables."""
    for table in tables:
        for line in table.read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == _LISTEN:
                number = int(words[1].partition(":")[0], 16)
                yield IPv4Address(number.to_bytes(4, sys.byteorder))


def listening_in(table: str) -> dict[int, str]:
    """The same, by the text of one table. Its first line is a heading; the second word of each other is the local
    address, the fourth the state, all in hexadecimal digits."""
    found = {}
    for line in table.splitlines()[1:]:
        words = line.split()
        address, _, port = words[1].partition(":")
        if words[3] == _LISTEN and address in _REACHED_BY:
            found[int(port, 16)] = _REACHED_BY[address]
    return found
