"""Three namespaces: a pod with listeners, the outside that answers for every address, and a virtual machine behind the
pod. Sockets are made in any of them, as any user, by one process."""

import contextlib
import ctypes
import itertools
import os
import selectors
import socket
import struct
import subprocess
import threading
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

CLONE_NEWNET = 0x40000000
SO_ORIGINAL_DST = 80
IP_TRANSPARENT, IPV6_TRANSPARENT = 19, 75

POD = {"ip": "10.244.0.11", "ip6": "fd00:244::11"}
POD_SECOND = {"ip": "10.9.0.11", "ip6": "fd00:9::11"}
OUTSIDE = {"ip": "10.244.0.12", "ip6": "fd00:244::12"}
OUTSIDE_SECOND = {"ip": "10.9.0.12", "ip6": "fd00:9::12"}
MACHINE = {"ip": "10.8.0.2", "ip6": "fd00:8::2"}

PROXY_PORTS = (15001, 15006, 15053, 16001, 16006)
APPLICATION_PORTS = (53, 80, 443, 3306, 8080, 9090, 15008, 15020, 15021, 15090, 17008)
_PATIENCE = 1.5
_LIBC = ctypes.CDLL(None, use_errno=True)

_LINKS = """
link add eth0 type veth peer name eth0 netns {outside}
link add eth1 type veth peer name eth1 netns {outside}
link add k6t0 type veth peer name eth0 netns {machine}
"""
_POD = """
link set lo up
address add 10.244.0.11/24 dev eth0
address add fd00:244::11/64 dev eth0 nodad
address add 10.9.0.11/24 dev eth1
address add fd00:9::11/64 dev eth1 nodad
address add 10.8.0.1/24 dev k6t0
address add fd00:8::1/64 dev k6t0 nodad
address add ::6/128 dev lo nodad
link set eth0 up
link set eth1 up
link set k6t0 up
route add default via 10.244.0.12
route add default via fd00:244::12
"""
_OUTSIDE = """
link set lo up
address add 10.244.0.12/24 dev eth0
address add fd00:244::12/64 dev eth0 nodad
address add 10.9.0.12/24 dev eth1
address add fd00:9::12/64 dev eth1 nodad
link set eth0 up
link set eth1 up
route add 10.8.0.0/24 via 10.244.0.11
route add fd00:8::/64 via fd00:244::11
route add local 10.96.0.0/12 dev lo
route add local 192.0.2.0/24 dev lo
route add local 203.0.113.0/24 dev lo
route add local fd00:96::/32 dev lo
route add local 2001:db8::/32 dev lo
"""
_MACHINE = """
link set lo up
address add 10.8.0.2/24 dev eth0
address add fd00:8::2/64 dev eth0 nodad
link set eth0 up
route add default via 10.8.0.1
route add default via fd00:8::1
"""
# What comes to the outside is for one listener, whatever its address and port.
_ANSWERS = """
table inet answers {
    chain prerouting {
        type nat hook prerouting priority -100;
        meta l4proto tcp redirect to :9999
        meta l4proto udp redirect to :9998
    }
}
"""


class Net:
    """The namespaces and their listeners; `close` ends them all."""

    def __init__(self) -> None:
        self._home = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        self.namespaces = {name: self._new() for name in ("pod", "outside", "machine")}
        self._udp_ports = itertools.cycle(range(20_000, 60_000))
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()
        self._selector.register(self._woken, selectors.EVENT_READ, None)
        self._build()
        self._listen()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        self._wake.send(b".")
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]
        self._selector.close()
        self._wake.close()
        for descriptor in (*self.namespaces.values(), self._home):
            os.close(descriptor)

    def run(self, where: str, *command: str, stdin: str = "") -> str:
        """Output of a command in a namespace."""
        with self.inside(where):
            done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}: {done.stderr}\n{stdin}"
        return done.stdout

    @contextlib.contextmanager
    def inside(self, where: str) -> Iterator[None]:
        """This thread is in that namespace meanwhile."""
        _enter(self.namespaces[where])
        try:
            yield
        finally:
            _enter(self._home)

    def ask(
        self,
        where: str,
        protocol: str,
        target: tuple[str, int],
        *,
        user: int = 0,
        group: int = 0,
        source: str = "",
        mark: int = 0,
    ) -> str:
        """Who answers a client with this user, group, source and mark, and what address it thinks was meant."""
        family = socket.AF_INET6 if ":" in target[0] else socket.AF_INET
        kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
        with self.inside(where), _owned(user, group):
            client = socket.socket(family, kind)
        with client:
            client.settimeout(_PATIENCE)
            if mark:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, mark)
            if protocol == "udp":
                # The kernel tracks a flow of UDP for 30 s: a port used again would be led where it was led before.
                client.bind((source, next(self._udp_ports)))
            elif source:
                client.bind((source, 0))
            try:
                client.connect(target)
                if protocol == "udp":
                    client.send(b"?")
                return client.recv(200).decode()
            except ConnectionError:
                return "refused"
            except TimeoutError:
                return "no answer"

    def is_answered(self, target: tuple[str, int]) -> bool:
        """Whether the pod says anything to a packet from outside that belongs to no connection: a second step of a
        handshake (SYN and ACK) that nobody began, which connection tracking takes for invalid."""
        source, port = OUTSIDE["ip"], 54_321
        with self.inside("outside"):
            raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
        with raw:
            raw.sendto(_segment((source, port), target), (target[0], 0))
            raw.settimeout(0.3)
            try:
                while True:
                    packet = raw.recv(200)
                    header = (packet[0] & 0xF) * 4
                    if struct.unpack_from("!HH", packet, header) == (target[1], port):
                        return True
            except TimeoutError:
                return False

    def _new(self) -> int:
        assert _LIBC.unshare(CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
        made = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        _enter(self._home)
        return made

    def _build(self) -> None:
        pins = {name: f"/proc/{os.getpid()}/fd/{descriptor}" for name, descriptor in self.namespaces.items()}
        with self.inside("pod"):
            for setting in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
                Path("/proc/sys/net", setting).write_text("1")
            for name in ("all", "default"):
                Path(f"/proc/sys/net/ipv4/conf/{name}/rp_filter").write_text("0")
        self.run("pod", "ip", "-batch", "-", stdin=_LINKS.format(**pins))
        self.run("pod", "ip", "-batch", "-", stdin=_POD)
        self.run("outside", "ip", "-batch", "-", stdin=_OUTSIDE)
        self.run("machine", "ip", "-batch", "-", stdin=_MACHINE)
        self.run("outside", "nft", "-f", "-", stdin=_ANSWERS)

    def _listen(self) -> None:
        for version in (4, 6):
            everywhere, loopback = ("0.0.0.0", "127.0.0.1") if version == 4 else ("::", "::1")
            for port in (*PROXY_PORTS, *APPLICATION_PORTS):
                self._listener("pod", "tcp", everywhere, port, str(port))
            # Answers must come from the address that the question was redirected to, and be Envoy's.
            with _owned(1337, 1337):
                self._listener("pod", "udp", loopback, 15053, "15053")
            self._listener("pod", "udp", everywhere, 53, "53")
            self._listener("outside", "tcp", everywhere, 9999, "outside")
            self._listener("outside", "udp", everywhere, 9998, "outside")

    def _listener(self, where: str, protocol: str, address: str, port: int, name: str) -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with self.inside(where):
            made = socket.socket(family, socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            made.setsockopt(socket.IPPROTO_IPV6, IPV6_TRANSPARENT, 1)
        else:
            made.setsockopt(socket.SOL_IP, IP_TRANSPARENT, 1)
        made.bind((address, port))
        if protocol == "tcp":
            made.listen(200)
        self._selector.register(made, selectors.EVENT_READ, name)

    def _serve(self) -> None:
        while True:
            for key, _ in self._selector.select():
                listening = key.fileobj
                assert isinstance(listening, socket.socket)
                if listening is self._woken:
                    return
                with contextlib.suppress(ConnectionError):
                    _answer(listening, key.data)


def _answer(listening: socket.socket, name: str) -> None:
    if listening.type == socket.SOCK_DGRAM:
        _, client = listening.recvfrom(100)
        listening.sendto(name.encode(), client)
        return
    connection, _ = listening.accept()
    with connection:
        connection.send(f"{name} {_meant(connection)}".encode())


def _meant(connection: socket.socket) -> str:
    """The address that the client meant."""
    try:
        if connection.family == socket.AF_INET6:
            packed = connection.getsockopt(socket.IPPROTO_IPV6, SO_ORIGINAL_DST, 28)
            port, address = struct.unpack("!2xH4x16s4x", packed)
        else:
            packed = connection.getsockopt(socket.SOL_IP, SO_ORIGINAL_DST, 16)
            port, address = struct.unpack("!2xH4s8x", packed)
        return f"{ip_address(address)} {port}"
    except OSError:
        address, port = connection.getsockname()[:2]
        return f"{ip_address(address)} {port}"


def _segment(source: tuple[str, int], target: tuple[str, int]) -> bytes:
    """A TCP segment with SYN and ACK (RFC 9293)."""
    segment = struct.pack("!HHIIBBHHH", source[1], target[1], 1, 1, 5 << 4, 0x12, 1024, 0, 0)
    pseudo = socket.inet_aton(source[0]) + socket.inet_aton(target[0]) + struct.pack("!BBH", 0, 6, len(segment))
    total = sum(struct.unpack(f"!{(len(pseudo) + len(segment)) // 2}H", pseudo + segment))
    checksum = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
    return segment[:16] + struct.pack("!H", checksum) + segment[18:]


def _enter(descriptor: int) -> None:
    assert _LIBC.setns(descriptor, CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())


@contextlib.contextmanager
def _owned(user: int, group: int) -> Iterator[None]:
    """Sockets that are made meanwhile belong to this user and group (setfsuid(2))."""
    _LIBC.setfsgid(group)
    _LIBC.setfsuid(user)
    try:
        yield
    finally:
        _LIBC.setfsuid(os.getuid())
        _LIBC.setfsgid(os.getgid())
