"""weft.node.loopback_networks: ranges of loopback addresses, taken by being used."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Network
from pathlib import Path

import pytest

from weft.model.local import RedirectOrder
from weft.node.addresses import MeshNetwork, NoRoomError, loopback_ranges
from weft.node.listening import listening_addresses
from weft.node.loopback_networks import LoopbackNetworks, LoopbackPod, claim_range
from weft.node.settings import NodeSettings


def settings(folder: Path, **changes: object) -> NodeSettings:
    return NodeSettings(mesh="t", state=folder, controller=folder / "c.sock", isolation="loopback", **changes)  # type: ignore[arg-type]


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket() as made:
        yield made


def test_the_range_of_the_design_is_preferred_and_proxies_have_the_next_one() -> None:
    found = list(loopback_ranges())
    assert found[0] == IPv4Network("127.244.0.0/16")
    assert MeshNetwork("", (found[0],)).proxies == IPv4Network("127.245.0.0/16")
    assert len({cidr.network_address.packed[1] // 2 for cidr in found}) == len(found)
    assert all(2 < cidr.network_address.packed[1] < 255 for cidr in found)


def test_other_networks_have_no_range_for_proxies() -> None:
    assert MeshNetwork("weft-x", (IPv4Network("10.244.0.0/16"),)).proxies is None


@pytest.mark.parametrize(("address", "free"), [("127.82.3.4", 84), ("127.83.3.4", 90)])
def test_a_range_where_somebody_listens_is_left_alone(listener: socket.socket, address: str, free: int) -> None:
    listener.bind((address, 0))
    listener.listen()
    taken, other = IPv4Network("127.82.0.0/16"), IPv4Network(f"127.{free}.0.0/16")
    assert claim_range([taken, other]) == other
    with pytest.raises(NoRoomError):
        claim_range([taken])


def test_of_two_meshes_that_start_at_a_time_each_gets_its_own() -> None:
    script = (
        "from ipaddress import IPv4Network as N; from weft.node.loopback_networks import claim_range as c;"
        "print(c([N('127.86.0.0/16'), N('127.88.0.0/16')]), flush=True); input()"
    )
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        assert first.stdout.readline().strip() == "127.86.0.0/16"
        assert claim_range([IPv4Network("127.86.0.0/16"), IPv4Network("127.88.0.0/16")]) != IPv4Network("127.86.0.0/16")
        first.communicate("\n")


async def test_a_mesh_keeps_its_range(tmp_path: Path) -> None:
    first = await LoopbackNetworks(settings(tmp_path)).prepare()
    assert first.namespace == ""
    assert first == await LoopbackNetworks(settings(tmp_path)).prepare()


async def test_there_is_no_ipv6(tmp_path: Path) -> None:
    with pytest.raises(NoRoomError, match="IPv4"):
        await LoopbackNetworks(settings(tmp_path, pod_cidrs=(IPv6Network("fd00::/64"),))).prepare()


async def test_a_redirection_is_a_contradiction() -> None:
    await LoopbackPod("m", "p").redirect(None)
    with pytest.raises(ValueError, match="redirected"):
        await LoopbackPod("m", "p").redirect(RedirectOrder())


def test_what_is_left_of_a_pod_is_known_by_its_environment_and_ended(tmp_path: Path) -> None:
    own = settings(tmp_path)
    networks = LoopbackNetworks(own)
    environment = os.environ | {"WEFT_PROCESS": f"{own.mark}/abcdef/app"}
    with subprocess.Popen(["sleep", "60"], env=environment) as left, subprocess.Popen(["sleep", "60"]) as other:
        assert networks.remaining() == {"abcdef"}
        asyncio.run(networks.remove_pod("abcdef"))
        assert left.wait() == -15
        assert other.poll() is None
        other.kill()
    assert networks.remaining() == set()


def test_listening_addresses_are_read_from_the_kernels_table(tmp_path: Path) -> None:
    own = 0x0100F47F if sys.byteorder == "little" else 0x7FF40001
    (tmp_path / "tcp").write_text(
        f"  sl\n   0: {own:08X}:3AA4 00000000:0000 0A\n   1: {own:08X}:1F90 00000000:0000 01\n"
    )
    assert list(listening_addresses([tmp_path / "tcp"])) == [IPv4Address("127.244.0.1")]
