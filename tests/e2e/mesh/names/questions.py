"""A small client of DNS, run inside of pods: packets as `dig` sends them, over UDP or TCP.

usage: questions.py SERVER[:PORT] PROTOCOL NAME/TYPE...   prints one JSON list of answers
"""

import json
import os
import socket
import struct
import sys
from typing import Any

TYPES = {"A": 1, "AAAA": 28, "TXT": 16, "SRV": 33}
CODES = {0: "NOERROR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED"}
_FAMILIES = {1: socket.AF_INET, 28: socket.AF_INET6}
_EDNS = b"\0" + struct.pack(">HHIH", 41, 1232, 0, 0)


def question(name: str, kind: str) -> bytes:
    """A question with recursion desired and EDNS(0), as resolvers of today ask."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    header = os.urandom(2) + struct.pack(">HHHHH", 0x0100, 1, 0, 0, 1)
    return header + labels + b"\0" + struct.pack(">HH", TYPES[kind], 1) + _EDNS


def skipped(data: bytes, offset: int) -> int:
    """The offset behind a name."""
    while data[offset]:
        if data[offset] & 0xC0:
            return offset + 2
        offset += data[offset] + 1
    return offset + 1


def answer(data: bytes) -> dict[str, Any]:
    """Code and addresses of an answer."""
    flags, questions, records = struct.unpack(">HHH", data[2:8])
    offset = 12
    for _ in range(questions):
        offset = skipped(data, offset) + 4
    found = []
    for _ in range(records):
        offset = skipped(data, offset)
        kind, _, _, length = struct.unpack(">HHIH", data[offset : offset + 10])
        offset += 10
        if kind in _FAMILIES:
            found.append(socket.inet_ntop(_FAMILIES[kind], data[offset : offset + length]))
        offset += length
    return {"code": CODES.get(flags & 15, str(flags & 15)), "addresses": sorted(found)}


def asked(server: tuple[str, int], protocol: str, packet: bytes) -> dict[str, Any]:
    try:
        if protocol == "udp":
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
                channel.settimeout(3)
                channel.connect(server)
                channel.send(packet)
                return answer(channel.recv(4096))
        with socket.create_connection(server, timeout=3) as channel:
            channel.sendall(struct.pack(">H", len(packet)) + packet)
            said = channel.recv(4096)
            return answer(said[2:]) if said else {"code": "closed", "addresses": []}
    except OSError as error:
        return {"code": type(error).__name__, "addresses": []}


def main() -> None:
    place, protocol, *wanted = sys.argv[1:]
    host, _, port = place.partition(":")
    packets = (question(*each.rsplit("/", 1)) for each in wanted)
    print(json.dumps([asked((host, int(port or 53)), protocol, packet) for packet in packets]))


if __name__ == "__main__":
    main()
