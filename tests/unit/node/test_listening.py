"""weft.node.listening: which ports are open, by the kernel's own table."""

import os
import socket

from weft.node.listening import listening_in, listening_ports

TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2 1 0 100 0 0 10 0
   2: 0200F40A:1FF4 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 3 1 0 100 0 0 10 0
   3: 0100007F:1F91 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 4 1 0 100 0 0 10 0
"""
TABLE_6 = """\
  sl  local_address                         remote_address                        st
   0: 00000000000000000000000000000000:0051 00000000000000000000000000000000:0000 0A 00000000:00000000
   1: 00000000000000000000000001000000:0052 00000000000000000000000000000000:0000 0A 00000000:00000000
"""


def test_only_ports_that_are_open_on_the_loopback_device_count() -> None:
    assert listening_in(TABLE) == {8080: "127.0.0.1", 80: "127.0.0.1"}


def test_ports_over_ipv6_are_reached_by_its_loopback_address() -> None:
    assert listening_in(TABLE_6) == {81: "::1", 82: "::1"}


def test_this_machine_says_the_same() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert listening_ports(os.getpid())[port] == "127.0.0.1"
    assert port not in listening_ports(os.getpid())
