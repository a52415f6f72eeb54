"""weft.node.port_holders: who else listens on a port."""

import os
import socket

import pytest

from weft.node.port_holders import Bind, Holder, Listening, listening_in, other_holders

TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:3A98 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 77 1 0 100 0 0 10 0
   1: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 78 1 0 100 0 0 10 0
   2: 0100007F:A1B2 0100007F:0050 01 00000000:00000000 00:00000000 00000000     0        0 79 1 0 100 0 0 10 0
"""
TABLE6 = """\
  sl  local_address                         remote_address                        st tx rx tr tm retr uid timeout inode
   0: 00000000000000000000000000000000:0051 00000000000000000000000000000000:0000 0A 0:0 00:0 0     0        0 80 1 0
"""


def test_only_sockets_that_listen_are_found_in_a_table() -> None:
    assert list(listening_in(TABLE)) == [Listening(Bind("127.0.0.1", 15000), 77), Listening(Bind("0.0.0.0", 80), 78)]
    assert list(listening_in(TABLE6)) == [Listening(Bind("::", 81), 80)]


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "127.0.0.53", False),
        ("0.0.0.0", "127.0.0.1", True),
        ("10.1.1.1", "::", True),
    ],
)
def test_places_meet_where_connections_to_one_may_come_to_the_other(one: str, other: str, meet: bool) -> None:
    assert Bind(one, 80).meets(Bind(other, 80)) is meet
    assert Bind(other, 80).meets(Bind(one, 80)) is meet
    assert not Bind(one, 80).meets(Bind(other, 81))


def test_who_listens_is_named_unless_it_is_one_of_us() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        wanted = Bind("0.0.0.0", server.getsockname()[1])
        (holder,) = other_holders([wanted], own=[])
        assert holder.pid == os.getpid()
        assert holder.program in str(holder)
        assert holder.bind == Bind("127.0.0.1", wanted.port)
        assert other_holders([wanted], own=[os.getpid()]) == []
    assert other_holders([wanted], own=[]) == []


def test_a_shared_port_has_two_holders() -> None:
    """Envoy takes ports so: both sockets listen, and the kernel shares out connections."""
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as first:
        port = first.getsockname()[1]
        with socket.create_server(("127.0.0.1", port), reuse_port=True):
            assert len(other_holders([Bind("127.0.0.1", port)], own=[])) == 2


def test_an_unknown_holder_is_said_so() -> None:
    assert str(Holder(Bind("0.0.0.0", 80))) == "another process"
