"""A resolver for tests: says 192.0.2.7 to every question for A and nothing to others, by UDP and TCP.

usage: resolver.py ADDRESS   prints a line once it listens
"""

import socket
import socketserver
import struct
import sys
import threading
from typing import Final

_ADDRESS: Final = socket.inet_aton("192.0.2.7")
_A: Final = 1


def answer(packet: bytes) -> bytes:
    end = 12
    while packet[end]:
        end += packet[end] + 1
    end += 5
    (kind,) = struct.unpack(">H", packet[end - 4 : end - 2])
    record = b"\xc0\x0c" + struct.pack(">HHIH", _A, 1, 60, 4) + _ADDRESS if kind == _A else b""
    return packet[:2] + struct.pack(">HHHHH", 0x8180, 1, int(bool(record)), 0, 0) + packet[12:end] + record


class Datagrams(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        packet, channel = self.request
        channel.sendto(answer(packet), self.client_address)


class Streams(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        (length,) = struct.unpack(">H", self.rfile.read(2))
        said = answer(self.rfile.read(length))
        self.wfile.write(struct.pack(">H", len(said)) + said)


def main() -> None:
    place = (sys.argv[1], 53)
    socketserver.TCPServer.allow_reuse_address = True
    servers = (socketserver.ThreadingUDPServer(place, Datagrams), socketserver.ThreadingTCPServer(place, Streams))
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print("ready", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
