"""What is asked for, and the packets that are sent each time."""

from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from tests.e2e.redirect.net import MACHINE, OUTSIDE, OUTSIDE_SECOND, POD, POD_SECOND

from weft.model.local import RedirectOrder
from weft.redirect.istio_flags import read_flags
from weft.redirect.packets import Packet
from weft.redirect.plan import Family

ALL = "-p 15001 -z 15006 -u 1337 -g 1337 -m REDIRECT -i '*' -b '*' -d 15090,15021,15020"
CAPTURE = "-i '*' -b '*'"
SERVERS = "--dns-servers 10.96.0.10,fd00:96::10"


class Case(Struct, frozen=True):
    """Flags and variables of istio-iptables; `changes` is what only an order can say."""

    name: str
    flags: str
    variables: Mapping[str, str] = {}
    changes: Mapping[str, Any] = {}

    @property
    def order(self) -> RedirectOrder:
        return replace(read_flags(self.flags, self.variables).order, **self.changes)


CASES = (
    Case("as Istio injects it", ALL),
    Case("as Istio injects it, IPv6 too", f"{ALL} --ipv6"),
    Case("nothing is asked for", ""),
    Case("inbound only", "-b '*'"),
    Case("outbound only", "-i '*'"),
    Case("other ports", f"-p16001 --inbound-capture-port=16006 {CAPTURE} --ipv6"),
    Case("another tunnel port", f"{CAPTURE} -e 17008"),
    Case("another user", f"{CAPTURE} -u 1000 -g 2000"),
    Case("two users", f"{CAPTURE} -u 1337,1000"),
    Case("two groups", f"{CAPTURE} -u 1337 -g 1337,2000 --ipv6"),
    Case("user and group of other numbers", f"{CAPTURE} -u 5000 -g 1337"),
    Case("a list of inbound ports", "-i '*' -b 8080,443"),
    Case("a list of inbound ports, IPv6 too", "-i '*' -b 8080 --dual-stack"),
    Case("inbound ports left out", f"{CAPTURE} -d 8080,15021"),
    Case("ranges", "-i 10.96.0.0/12,2001:db8::/32 -b '*' --ipv6"),
    Case("ranges left out", f"{CAPTURE} -x 192.0.2.0/24,fd00:96::/32 --ipv6"),
    Case("one address left out of a range", "-i 192.0.2.0/24 -x 192.0.2.1/32 -b ''"),
    Case("outbound ports added to a range", "-i 192.0.2.0/24 -q 8080,80 --ipv6"),
    Case("outbound ports alone", "-q 80"),
    Case("outbound ports left out", f"{CAPTURE} -o 3306,80 --ipv6"),
    Case("an outbound port both added and left out", "-q 80,443 -o 80"),
    Case("loopback in the ranges", "-i 127.0.0.1/32,10.96.0.0/12"),
    Case("loopback of IPv6 in the ranges", "-i ::1/128,fd00:96::/32 --ipv6"),
    Case("a wide loopback range", CAPTURE, {"ISTIO_OUTBOUND_IPV4_LOOPBACK_CIDR": "127.0.0.0/8"}),
    Case("a wide loopback range in the ranges", "-i 127.0.0.0/8", {"HOST_IPV4_LOOPBACK_CIDR": "127.0.0.1/16"}),
    Case("an interface left out", f"{CAPTURE} -c eth1 --ipv6"),
    Case("interfaces left out by prefix", f"{CAPTURE} -c eth+"),
    Case("a virtual interface", f"{CAPTURE} -k k6t0 --ipv6"),
    Case("a virtual interface, and ranges", "-i 192.0.2.0/24,2001:db8::/32 -b '*' -k k6t0 --ipv6"),
    Case("a virtual interface that is left out, too", f"{CAPTURE} -k k6t0 -c k6t0"),
    Case("only some groups", CAPTURE, {"ISTIO_OUTBOUND_OWNER_GROUPS": "2000,5000"}),
    Case("only some groups, IPv6 too", f"{CAPTURE} --ipv6", {"ISTIO_OUTBOUND_OWNER_GROUPS": "2000"}),
    Case("no group at all", CAPTURE, {"ISTIO_OUTBOUND_OWNER_GROUPS": ""}),
    Case("groups left out", CAPTURE, {"ISTIO_OUTBOUND_OWNER_GROUPS_EXCLUDE": "2000,0"}),
    Case("DNS", f"{ALL} --redirect-dns {SERVERS} --ipv6"),
    Case("DNS of IPv4 servers", f"{ALL} --redirect-dns --dns-servers 10.96.0.10,127.0.0.1 --ipv6"),
    Case("all DNS", f"{ALL} --redirect-dns --capture-all-dns --ipv6"),
    Case("all DNS, by variable", ALL, {"ISTIO_META_DNS_CAPTURE": "true", "CAPTURE_ALL_DNS": "true"}),
    Case("all DNS, of some groups", f"{ALL} --redirect-dns --capture-all-dns", {"ISTIO_OUTBOUND_OWNER_GROUPS": "2000"}),
    Case("all DNS, but not of some", f"{CAPTURE} --redirect-dns --capture-all-dns -o 53"),
    Case("DNS alone", "--redirect-dns --capture-all-dns"),
    Case("DNS, and loopback in the ranges", f"-i 127.0.0.1/32 --redirect-dns {SERVERS}"),
    Case("invalid packets dropped", f"{ALL} --drop-invalid --ipv6"),
    Case("TPROXY", f"{ALL} -m TPROXY"),
    Case("TPROXY, IPv6 too", f"{ALL} -m TPROXY --ipv6"),
    Case("TPROXY for some ports", "-m TPROXY -i '*' -b 8080,443 --ipv6"),
    Case("TPROXY with a mark, table and port of its own", f"{CAPTURE} -m TPROXY -t 7 -r 77 -z 16006"),
    Case("TPROXY but for an interface", f"{CAPTURE} -m TPROXY -c eth1 -d 9090"),
    Case("TPROXY with DNS and invalid packets dropped", f"{ALL} -m TPROXY --redirect-dns {SERVERS} --drop-invalid"),
    Case("TPROXY for what comes in alone", "-m TPROXY -b '*'"),
    Case("no interception", f"{ALL} -m NONE"),
    Case("Envoy told by mark", ALL, changes={"proxy_mark": 0x539}),
    Case("Envoy told by mark, with DNS", f"{ALL} --redirect-dns {SERVERS} --ipv6", changes={"proxy_mark": 0x539}),
)

OWNERS = ((0, 0), (1337, 1337), (1337, 0), (0, 1337), (1000, 2000), (5000, 5000))
_FAR = {
    "ip": (("10.96.0.1", 80), ("10.96.0.10", 53), ("192.0.2.1", 443), ("192.0.2.1", 3306), ("203.0.113.5", 8080)),
    "ip6": (("fd00:96::1", 80), ("fd00:96::10", 53), ("2001:db8::1", 443), ("2001:db8::1", 3306), ("fd00:96::5", 8080)),
}
_NEAR = {"ip": ("127.0.0.1", "127.0.0.5", POD["ip"]), "ip6": ("::1", POD["ip6"])}
_SERVERS = {"ip": ("10.96.0.10", "192.0.2.53", "127.0.0.1"), "ip6": ("fd00:96::10", "2001:db8::53", "::1")}
_PASSTHROUGH = {"ip": "127.0.0.6", "ip6": "::6"}


def packets(family: Family, *, marked: bool) -> Iterator[Packet]:
    """Packets of new connections: all directions, users, places and protocols, and marks where those route nothing."""
    for user, group in OWNERS:
        for address, port in _FAR[family]:
            yield _out(address, port, "eth0", user, group)
        yield _out(OUTSIDE_SECOND[family], 80, "eth1", user, group)
        for address in _NEAR[family]:
            yield _out(address, 8080, "lo", user, group)
        yield _out(POD[family], 15008, "lo", user, group)
        yield _out(POD[family], 53, "lo", user, group)
        for address in _SERVERS[family]:
            interface = "lo" if ip_address(address).is_loopback else "eth0"
            yield replace(_out(address, 53, interface, user, group), protocol="udp")
    for mark in (0x539, 0x53A) if marked else ():
        yield replace(_out(*_FAR[family][0], "eth0", 1000, 1000), mark=mark)
        yield replace(_out(POD[family], 8080, "lo", 1000, 1000), mark=mark)
    for user in (0, 1337):
        yield replace(_out(POD[family], 8080, "lo", user, user), source=ip_address(_PASSTHROUGH[family]))
    yield from _incoming(family)


def _incoming(family: Family) -> Iterator[Packet]:
    for port in (53, 443, 8080, 9090, 15008, 15020, 15021, 15090):
        yield _in(POD[family], port, "eth0", OUTSIDE[family])
    yield _in(POD_SECOND[family], 8080, "eth1", OUTSIDE_SECOND[family])
    yield replace(_in(POD[family], 53, "eth0", OUTSIDE[family]), protocol="udp")
    for address, port in _FAR[family][:3]:
        yield _in(address, port, "k6t0", MACHINE[family])


def _out(address: str, port: int, interface: str, user: int, group: int) -> Packet:
    return Packet(
        direction="out",
        protocol="tcp",
        destination=ip_address(address),
        port=port,
        interface=interface,
        user=user,
        group=group,
    )


def _in(address: str, port: int, interface: str, source: str) -> Packet:
    return Packet(
        direction="in",
        protocol="tcp",
        destination=ip_address(address),
        port=port,
        interface=interface,
        source=ip_address(source),
    )
