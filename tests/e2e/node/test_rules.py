"""Rules in real namespaces: each connection ends where istio-iptables and kube-proxy would have sent it."""

import asyncio
import contextlib
import ctypes
import functools
import os
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from msgspec.structs import replace

from weft.model.local import RedirectOrder, ServiceTarget
from weft.node.hub import prepare_network, remove_network
from weft.node.namespaces import NamespaceThread
from weft.node.podnet import PodNetwork
from weft.node.settings import NodeSettings
from weft.node.tools import OPTIONAL, Tools, find_tools
from weft.redirect.nftables import render_services
from weft.redirect.services import service_plan

pytestmark = pytest.mark.root

SO_ORIGINAL_DST = 80
ENVOY = 1337
HERE, THERE = "10.244.0.11", "10.244.0.12"
OUTBOUND, INBOUND = 15001, 15006


class Net:
    """Two pods' networks: rules are put into the one here; the other one has none."""

    def __init__(self, here: PodNetwork, there: PodNetwork, by_nft: PodNetwork, threads: NamespaceThread) -> None:
        self.here = here
        self.there = there
        self.by_nft = by_nft
        self._threads = threads
        self._stack = contextlib.AsyncExitStack()

    async def close(self) -> None:
        await self._stack.aclose()

    async def listen(self, pod: PodNetwork, *ports: int) -> None:
        """Servers that answer with the port they listen on and the address that the client meant."""
        for port in ports:
            listening = await self._threads.call(pod.pin, functools.partial(_tcp, port))
            await self._stack.enter_async_context(await asyncio.start_server(_say_where, sock=listening))

    async def ask(
        self, pod: PodNetwork, address: str, port: int, *, user: int = 0, group: int = 0, source: str = ""
    ) -> str:
        """What a client with this user and group in a pod hears from a server."""
        client = await self._threads.call(pod.pin, lambda: _client(user, group, source))
        with client:
            try:
                async with asyncio.timeout(2):
                    loop = asyncio.get_running_loop()
                    await loop.sock_connect(client, (address, port))
                    return (await loop.sock_recv(client, 100)).decode()
            except ConnectionRefusedError:
                return "refused"
            except TimeoutError:
                return "no answer"


async def inside(pod: PodNetwork, *command: str) -> str:
    """Output of a command in a pod's network."""
    process = await asyncio.create_subprocess_exec(
        "nsenter", f"--net={pod.pin}", *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    said, _ = await process.communicate()
    return said.decode().strip()


def _tcp(port: int) -> socket.socket:
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(("0.0.0.0", port))
    made.listen(100)
    return made


def _client(user: int, group: int, source: str) -> socket.socket:
    """The kernel goes by the file system ids of the thread that makes the socket."""
    libc = ctypes.CDLL(None)
    libc.setfsgid(group)
    libc.setfsuid(user)
    try:
        made = socket.socket()
    finally:
        libc.setfsuid(os.getuid())
        libc.setfsgid(os.getgid())
    made.setblocking(False)
    if source:
        made.bind((source, 0))
    return made


async def _say_where(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    port = connection.getsockname()[1]
    try:
        _, meant, address = struct.unpack("!HH4s8x", connection.getsockopt(socket.SOL_IP, SO_ORIGINAL_DST, 16))
        writer.write(f"{port} for {IPv4Address(address)}:{meant}".encode())
    except OSError:
        writer.write(f"{port} untouched".encode())
    writer.close()


@pytest.fixture
async def net(tmp_path: Path) -> AsyncIterator[Net]:
    settings = NodeSettings(mesh=f"r{os.getpid()}", state=tmp_path / "node", controller=tmp_path / "none")
    tools, threads = find_tools(settings.search_path), NamespaceThread()
    mesh = await prepare_network(settings, tools, threads)
    here = PodNetwork(mesh, "aaaaaaaaaa", tools, threads)
    there = PodNetwork(mesh, "bbbbbbbbbb", tools, threads)
    await here.create((IPv4Address(HERE),))
    await there.create((IPv4Address(THERE),))
    only_nft = Tools({name: path for name, path in tools.paths.items() if name not in OPTIONAL})
    made = Net(here, there, PodNetwork(mesh, "aaaaaaaaaa", only_nft, threads), threads)
    await made.listen(here, OUTBOUND, INBOUND, 8080, 15021, 15090, 15020, 15008)
    await made.listen(there, 80, 8080, 3306)
    yield made
    await made.close()
    await here.remove()
    await there.remove()
    await remove_network(settings, tools)
    threads.close()
    assert not here.pin.exists()


async def test_without_rules_everything_goes_where_it_is_sent(net: Net) -> None:
    assert (await net.ask(net.here, THERE, 80)).startswith("80 ")
    assert (await net.ask(net.there, HERE, 8080)).startswith("8080 ")


async def test_what_the_application_sends_goes_to_envoy(net: Net) -> None:
    await net.here.redirect(RedirectOrder())
    assert await net.ask(net.here, THERE, 80) == f"15001 for {THERE}:80"
    assert await net.ask(net.here, THERE, 80, user=4242, group=4242) == f"15001 for {THERE}:80"
    # Even where nobody is: Envoy decides what becomes of it.
    assert await net.ask(net.here, "192.0.2.1", 443) == "15001 for 192.0.2.1:443"


async def test_what_envoy_sends_goes_out(net: Net) -> None:
    await net.here.redirect(RedirectOrder())
    assert (await net.ask(net.here, THERE, 80, user=ENVOY)).startswith("80 ")
    assert (await net.ask(net.here, THERE, 80, group=ENVOY)).startswith("80 ")


async def test_the_application_talks_to_itself_undisturbed(net: Net) -> None:
    await net.here.redirect(RedirectOrder())
    for address in (HERE, "127.0.0.1", "127.0.0.9"):
        assert (await net.ask(net.here, address, 8080)).startswith("8080 ")


async def test_envoy_that_calls_its_own_pod_enters_again_as_inbound(net: Net) -> None:
    await net.here.redirect(RedirectOrder())
    assert await net.ask(net.here, HERE, 8080, user=ENVOY) == f"15006 for {HERE}:8080"
    assert (await net.ask(net.here, HERE, 15008, user=ENVOY)).startswith("15008 ")
    assert (await net.ask(net.here, "127.0.0.1", 8080, user=ENVOY)).startswith("8080 ")
    # The way from the inbound listener to the application.
    assert (await net.ask(net.here, HERE, 8080, user=ENVOY, source="127.0.0.6")).startswith("8080 ")


async def test_what_comes_in_goes_to_envoy_but_for_its_own_ports(net: Net) -> None:
    await net.here.redirect(RedirectOrder())
    assert await net.ask(net.there, HERE, 8080) == f"15006 for {HERE}:8080"
    assert await net.ask(net.there, HERE, 9) == f"15006 for {HERE}:9"
    for port in (15021, 15090, 15020, 15008):
        assert (await net.ask(net.there, HERE, port)).startswith(f"{port} ")


async def test_excluded_ports_and_ranges_pass(net: Net) -> None:
    await net.here.redirect(
        RedirectOrder(
            exclude_outbound_ports=("3306",), exclude_outbound_cidrs=("192.0.2.0/24",), exclude_inbound_ports=("8080",)
        )
    )
    assert (await net.ask(net.here, THERE, 3306)).startswith("3306 ")
    assert await net.ask(net.here, THERE, 80) == f"15001 for {THERE}:80"
    assert await net.ask(net.here, "192.0.2.1", 80) in ("no answer", "refused")
    assert (await net.ask(net.there, HERE, 8080)).startswith("8080 ")


async def test_only_included_ports_and_ranges_are_captured(net: Net) -> None:
    await net.here.redirect(
        RedirectOrder(
            include_outbound_cidrs=("192.0.2.0/24",), include_outbound_ports=("3306",), include_inbound_ports=("8080",)
        )
    )
    assert (await net.ask(net.here, THERE, 80)).startswith("80 ")
    assert await net.ask(net.here, THERE, 3306) == f"15001 for {THERE}:3306"
    assert await net.ask(net.here, "192.0.2.1", 80) == "15001 for 192.0.2.1:80"
    assert await net.ask(net.there, HERE, 8080) == f"15006 for {HERE}:8080"
    assert await net.ask(net.there, HERE, 9) == "refused"


async def test_the_end_of_redirection_leaves_no_rule(net: Net) -> None:
    await net.here.redirect(RedirectOrder())
    await net.here.redirect(None)
    assert (await net.ask(net.here, THERE, 80)).startswith("80 ")
    assert (await net.ask(net.there, HERE, 8080)).startswith("8080 ")


async def test_without_iptables_nft_does_the_same(net: Net) -> None:
    await net.by_nft.redirect(RedirectOrder())
    assert await net.ask(net.here, THERE, 80) == f"15001 for {THERE}:80"
    assert (await net.ask(net.here, THERE, 80, user=ENVOY)).startswith("80 ")
    assert await net.ask(net.there, HERE, 8080) == f"15006 for {HERE}:8080"
    await net.by_nft.redirect(None)
    assert (await net.ask(net.here, THERE, 80)).startswith("80 ")


async def test_another_kind_of_interception_leaves_nothing_of_the_former(net: Net) -> None:
    clear = RedirectOrder(interception="tproxy", capture_dns=True, capture_all_dns=True, drop_invalid=True, ipv6=True)
    for pod in (net.here, net.by_nft):
        await pod.redirect(clear)
        await pod.redirect(clear)
        assert await inside(pod, "ip", "-4", "rule", "show", "fwmark", "1337") != ""
        assert "::6" in await inside(pod, "ip", "-6", "address", "show", "dev", "lo")
        await pod.redirect(None)
        for family in ("-4", "-6"):
            assert await inside(pod, "ip", family, "rule", "show", "fwmark", "1337") == ""
        rules = await inside(pod, "nft", "list", "ruleset")
        assert "ISTIO" not in rules
        assert (await net.ask(net.there, HERE, 8080)).startswith("8080 ")


async def test_rules_are_replaced_with_no_moment_without_them(net: Net) -> None:
    """Under a stream of connections the rules change again and again: none of them ever gets past Envoy."""
    orders = [RedirectOrder(), replace(RedirectOrder(), exclude_outbound_ports=("9999",))]
    await net.here.redirect(orders[0])
    done = asyncio.Event()

    async def keep_asking() -> Counter[str]:
        heard: Counter[str] = Counter()
        while not done.is_set():
            heard[await net.ask(net.here, THERE, 80)] += 1
        return heard

    asking = [asyncio.create_task(keep_asking()) for _ in range(4)]
    for number in range(20):
        await net.here.redirect(orders[number % 2])
    done.set()
    heard = sum([await task for task in asking], Counter[str]())
    assert set(heard) == {f"15001 for {THERE}:80"}
    assert heard.total() > 50


VIP = "10.96.0.10"


def table(*endpoints: tuple[str, int]) -> str:
    targets = [ServiceTarget(VIP, 80, "TCP", endpoints), ServiceTarget("10.96.0.11", 80, "TCP", ())]
    return render_services(service_plan(targets))


async def test_a_virtual_address_spreads_over_its_endpoints(net: Net) -> None:
    await net.here.load_services(table((THERE, 80), (THERE, 8080)))
    heard = Counter([(await net.ask(net.here, VIP, 80)).split()[0] for _ in range(60)])
    assert set(heard) == {"80", "8080"}
    assert min(heard.values()) > 10


async def test_changed_endpoints_take_over_at_once(net: Net) -> None:
    await net.here.load_services(table((THERE, 80)))
    assert (await net.ask(net.here, VIP, 80)).startswith("80 ")
    await net.here.load_services(table((THERE, 8080)))
    assert (await net.ask(net.here, VIP, 80)).startswith("8080 ")


async def test_without_endpoints_or_on_another_port_an_address_refuses_at_once(net: Net) -> None:
    await net.here.load_services(table((THERE, 80)))
    assert await net.ask(net.here, "10.96.0.11", 80) == "refused"
    assert await net.ask(net.here, VIP, 81) == "refused"
    await net.here.load_services(table())
    assert await net.ask(net.here, VIP, 80) == "refused"


async def test_what_envoy_takes_is_not_translated_and_what_it_leaves_is(net: Net) -> None:
    await net.here.redirect(RedirectOrder(exclude_outbound_ports=("80",)))
    await net.here.load_services(
        render_services(
            service_plan(
                [ServiceTarget(VIP, 80, "TCP", ((THERE, 80),)), ServiceTarget(VIP, 8080, "TCP", ((THERE, 8080),))]
            )
        )
    )
    assert await net.ask(net.here, VIP, 8080) == f"15001 for {VIP}:8080"
    assert (await net.ask(net.here, VIP, 80)).startswith("80 ")
    assert (await net.ask(net.here, VIP, 8080, user=ENVOY)).startswith("8080 ")


async def test_a_pod_reaches_itself_by_its_own_service(net: Net) -> None:
    await net.here.load_services(table((HERE, 8080)))
    assert (await net.ask(net.here, VIP, 80)).startswith("8080 ")


async def test_datagrams_are_translated_too(net: Net) -> None:
    await net.here.load_services(render_services(service_plan([ServiceTarget(VIP, 53, "UDP", ((THERE, 5353),))])))
    loop = asyncio.get_running_loop()
    server = await net._threads.call(net.there.pin, lambda: _udp(5353))
    client = await net._threads.call(net.here.pin, lambda: _udp(0))
    with server, client:
        await loop.sock_sendto(client, b"question", (VIP, 53))
        async with asyncio.timeout(2):
            question, asker = await loop.sock_recvfrom(server, 100)
            await loop.sock_sendto(server, b"answer to " + question, asker)
            answer, sender = await loop.sock_recvfrom(client, 100)
    assert (answer, sender) == (b"answer to question", (VIP, 53))


def _udp(port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setblocking(False)
    made.bind(("0.0.0.0", port))
    return made


async def test_a_large_table_is_loaded_quickly(net: Net) -> None:
    targets = [
        ServiceTarget(f"10.97.{number // 250}.{number % 250}", 80, "TCP", ((THERE, 80), (HERE, 8080)))
        for number in range(1_000)
    ]
    loop = asyncio.get_running_loop()
    begin = loop.time()
    await net.here.load_services(render_services(service_plan(targets)))
    assert loop.time() - begin < 5
    assert (await net.ask(net.here, "10.97.3.9", 80)).split()[0] in ("80", "8080")
