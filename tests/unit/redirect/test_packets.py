"""weft.redirect: a packet in words means what it says, and bad words are refused."""

from ipaddress import ip_address

import pytest

from weft.redirect.packets import Packet, PacketError, parse_packet

OWN = [ip_address("10.244.0.11"), ip_address("fd00:244::11")]


def test_all_that_can_be_said_of_a_packet() -> None:
    text = "out udp [fd00::1]:53 from [fd00::2]:999 by eth1 uid 1000 gid 0x10 mark 0x539 state established"
    assert parse_packet(text) == Packet(
        direction="out",
        protocol="udp",
        destination=ip_address("fd00::1"),
        port=53,
        source=ip_address("fd00::2"),
        source_port=999,
        interface="eth1",
        user=1000,
        group=16,
        mark=0x539,
        state="ESTABLISHED",
    )


@pytest.mark.parametrize(
    ("text", "interface"),
    [
        ("out tcp 10.244.0.11:80", "lo"),
        ("out tcp 127.0.0.5:80", "lo"),
        ("out tcp :80", "lo"),
        ("out tcp [fd00:244::11]:80", "lo"),
        ("out tcp 10.96.0.1:80", "eth0"),
        ("in tcp :80", "eth0"),
    ],
)
def test_what_a_pod_sends_to_itself_leaves_by_loopback(text: str, interface: str) -> None:
    assert parse_packet(text, OWN).interface == interface


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is no packet: write in|out tcp|udp ADDRESS:PORT"),
        ("out icmp 10.0.0.1:80", "is no packet"),
        ("out tcp 10.0.0.1", "'10.0.0.1' is no address with a port"),
        ("out tcp :80", "':80' has no address"),
        ("out tcp 10.0.0.300:80", "'10.0.0.300' is no address"),
        ("out tcp 10.0.0.1:70000", "is no address with a port"),
        ("out tcp 10.0.0.1:80 uid", "'uid' has no value"),
        ("out tcp 10.0.0.1:80 uid root", "uid: 'root' is no number"),
        ("out tcp 10.0.0.1:80 mark 0x100000000", "mark: 0x100000000 is not between"),
        ("out tcp 10.0.0.1:80 state open", "`state open` is no part of a packet"),
        ("out tcp 10.0.0.1:80 by eth0;x", "`by eth0;x` is no part"),
        ("out tcp 10.0.0.1:80 from fd00::1", "are of different families"),
    ],
)
def test_what_is_no_packet_is_refused(text: str, message: str) -> None:
    with pytest.raises(PacketError) as caught:
        parse_packet(text)
    assert message in str(caught.value)
