"""A node that is killed at any moment: its pods go on, and the next one makes everything whole."""

import asyncio
import contextlib
import random
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import IPv4Network
from pathlib import Path

import msgspec
import pytest
from tests.e2e.node.conftest import Mesh, leftovers, marked_pids, output, pod, sidecar
from tests.unit.node.fakes import unix_server, until

from weft.base.families import Address
from weft.model.local import NodeOrders, PodReport
from weft.node.agent import make_network
from weft.node.hub import hub_name, machine_link
from weft.node.lock import NodeRunningError
from weft.node.namespaces import PINS
from weft.node.teardown import remove_everything

pytestmark = pytest.mark.root


class Api:
    """A controller behind a unix socket."""

    def __init__(self, orders: NodeOrders) -> None:
        self.orders = orders
        self.reports: dict[str, PodReport] = {}

    async def answer(self, method: str, target: str, body: bytes) -> tuple[int, bytes]:
        if target == f"/v1/node/orders?after={self.orders.revision}":
            await asyncio.sleep(0.5)
            return 204, b""
        if target.startswith("/v1/node/orders"):
            return 200, msgspec.json.encode(self.orders)
        if target == "/v1/node/reports":
            self.reports |= {found.uid: found for found in msgspec.json.decode(body, type=list[PodReport])}
            return 200, b""
        return 200, b'{"token": "t", "root": "r", "expires": 4000000000}'

    async def ready(self, *uids: str) -> None:
        await until(lambda: all(uid in self.reports and self.reports[uid].ready for uid in uids), patience=25)


@asynccontextmanager
async def node_process(mesh: Mesh) -> AsyncIterator[asyncio.subprocess.Process]:
    """A node process of its own, killed at the end."""
    settings = msgspec.json.encode(mesh.settings, enc_hook=str).decode()
    driver = str(Path(__file__).with_name("driver.py"))
    process = await asyncio.create_subprocess_exec(sys.executable, driver, settings)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def processes_in(mesh: Mesh) -> Counter[str]:
    """How many processes of each name there are in the networks of the mesh's pods."""
    inodes = {path.stat().st_ino for path in PINS.glob(f"weft-{mesh.settings.mesh}-*")}
    found: Counter[str] = Counter()
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if (path / "ns/net").stat().st_ino in inodes:
                found[(path / "comm").read_text().strip()] += 1
        except OSError:
            continue
    return found


async def test_a_node_killed_anywhere_in_its_start_is_completed_by_the_next(mesh: Mesh) -> None:
    orders = NodeOrders(revision=1, pods=tuple(pod(number, proxy=sidecar(redirected=True)) for number in range(3)))
    api = Api(orders)
    chance = random.Random(7)
    async with unix_server(mesh.settings.controller, api.answer):
        for _ in range(8):
            async with node_process(mesh):
                await asyncio.sleep(chance.uniform(0.4, 1.4))
        api.reports.clear()
        async with node_process(mesh):
            await api.ready("uid-0", "uid-1", "uid-2")
            await until(lambda: processes_in(mesh) == Counter(envoy=3, python3=3))
    await remove_everything(mesh.settings)
    assert processes_in(mesh).total() == 0


async def test_pods_go_on_when_their_node_is_killed_and_are_adopted(mesh: Mesh) -> None:
    api = Api(NodeOrders(revision=1, pods=(pod(1, proxy=sidecar()), pod(2))))
    async with unix_server(mesh.settings.controller, api.answer):
        async with node_process(mesh):
            await api.ready("uid-1", "uid-2")
        before = dict(api.reports)
        fetch = ("curl", "-s", "-m", "2", "http://10.244.0.12:8080/")
        assert await mesh.inside("uid-1", *fetch) == "pod-2"
    api.reports.clear()
    async with node_process(mesh):  # the controller is dead, too
        await asyncio.sleep(1.5)
        assert await mesh.inside("uid-1", *fetch) == "pod-2"
        async with unix_server(mesh.settings.controller, api.answer):
            await api.ready("uid-1", "uid-2")
    assert api.reports == before


DIES_BEFORE_RECORDING = """
import asyncio, os, signal, sys
from pathlib import Path
from weft.node.launch import Launch
from weft.node.namespace_chain import NamespaceChain
from weft.node.spawn import SystemLauncher
from weft.node.tools import find_tools
marker, hidden = sys.argv[1:]
launch = Launch(command=("touch", marker), folder="/", user=0, group=0, hidden=hidden, mark="weft-x")
tools = find_tools("/usr/bin:/bin")
launcher = SystemLauncher(tools, NamespaceChain(tools).start)
asyncio.run(launcher.start(launch, Path(hidden, "log"), lambda record: os.kill(os.getpid(), signal.SIGKILL)))
"""


async def test_a_process_that_its_node_did_not_record_never_runs(tmp_path: Path) -> None:
    """Killed between the birth of a process and its record: the process ends by itself."""
    marker, hidden = tmp_path / "marker", tmp_path / "hidden"
    hidden.mkdir()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", DIES_BEFORE_RECORDING, str(marker), str(hidden)
    )
    assert await process.wait() == -signal.SIGKILL
    await asyncio.sleep(0.5)
    assert not marker.exists()
    assert str(marker) not in await output("ps", "-eo", "args")


async def test_the_network_is_completed_whatever_is_missing(mesh: Mesh) -> None:
    made = await make_network(mesh.settings)
    hub, link = hub_name(mesh.settings.mesh), machine_link(mesh.settings)
    damages = (
        ("ip", "link", "delete", link),
        ("ip", "-n", hub, "link", "delete", "pods"),
        ("ip", "-n", hub, "address", "flush", "dev", "pods"),
        ("ip", "-n", hub, "route", "delete", "default"),
        ("ip", "address", "flush", "dev", link),
        ("umount", str(PINS / hub)),  # as after `ip netns add` was killed half way, or after a boot
        ("ip", "netns", "delete", hub),
    )
    for damage in damages:
        assert await output(*damage) == ""
        assert await make_network(mesh.settings) == made
        assert await answers(made.gateway), damage


async def answers(address: Address) -> bool:
    """Whether somebody has this address: a refused connection is an answer."""
    with contextlib.suppress(TimeoutError, OSError):
        async with asyncio.timeout(3):
            try:
                await asyncio.open_connection(str(address), 9)
            except ConnectionRefusedError:
                return True
    return False


async def test_a_range_that_the_machine_routes_is_not_taken_and_the_choice_stays(mesh: Mesh) -> None:
    await output("ip", "route", "add", "blackhole", "10.244.7.0/24")
    try:
        made = await make_network(mesh.settings)
        assert made.cidr == IPv4Network("10.245.0.0/16")
    finally:
        await output("ip", "route", "delete", "blackhole", "10.244.7.0/24")
    assert await make_network(mesh.settings) == made


async def test_two_nodes_never_keep_the_same_pods(mesh: Mesh) -> None:
    mesh.start()
    mesh.order(pod(1))
    await mesh.ready("uid-1")
    with pytest.raises(NodeRunningError):
        await remove_everything(mesh.settings)
    second = Mesh(mesh.settings.state.parent.parent, mesh.settings.mesh)
    second.start()
    with pytest.raises(NodeRunningError):
        await second.wait("uid-1", lambda _: True)
    (report,) = await mesh.ready("uid-1")
    assert report.containers[0].restarts == 0


@pytest.mark.parametrize("lost", ["pods", "network.json", "orders.json", "*"])
async def test_everything_goes_even_if_half_of_it_is_gone(mesh: Mesh, lost: str) -> None:
    mesh.start()
    mesh.order(pod(1, proxy=sidecar()), pod(2))
    await mesh.ready("uid-1", "uid-2")
    await mesh.leave()
    for path in mesh.settings.state.glob(lost):
        await output("rm", "-rf", str(path))
    await output("ip", "netns", "delete", mesh.namespace("uid-2").name)
    assert len(marked_pids(hub_name(mesh.settings.mesh))) == 3
    await remove_everything(mesh.settings)
    assert leftovers(mesh.settings.mesh) == []
    await remove_everything(mesh.settings)


async def test_a_node_without_its_last_orders_touches_nothing(mesh: Mesh) -> None:
    mesh.start()
    mesh.order(pod(1), hosts={"default": {"one": "10.244.0.11"}})
    (before,) = await mesh.ready("uid-1")
    await mesh.leave()
    (mesh.settings.state / "orders.json").write_text("{half")
    mesh.start()
    (after,) = await mesh.ready("uid-1")
    assert after == before
    assert "10.244.0.11" in await mesh.execute("pod-1", "getent", "hosts", "one")
