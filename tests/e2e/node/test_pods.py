"""Pods on a real node: they start, talk, resolve names, come back, are adopted and leave nothing behind."""

import asyncio
import json
import os
import signal
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from msgspec.structs import replace
from tests.e2e.node.conftest import Mesh, answering, bootstrap, container, pod, python, sidecar, trusting_cluster
from tests.unit.node.fakes import until

from weft.model.local import Action, PodReport, Probe
from weft.node.http import Call
from weft.node.inspection import InspectionError, exec_arguments, log_files
from weft.node.state import pod_id
from weft.node.unix_http import ask

pytestmark = pytest.mark.root


def pids(report: PodReport) -> list[int | None]:
    return [unit.pid for unit in (*report.containers, report.proxy) if unit]


def is_running(pid: int | None) -> bool:
    return Path(f"/proc/{pid}").exists()


def reason(report: PodReport) -> str:
    return report.containers[0].reason if report.containers else ""


def read(path: str | Path) -> str:
    return Path(path).read_text()


def restarts(report: PodReport) -> int:
    return report.containers[0].restarts


async def test_two_pods_talk_by_address_and_by_name(mesh: Mesh) -> None:
    mesh.start()
    mesh.order(pod(1), pod(2), hosts={"default": {"two": "10.244.0.12"}})
    await mesh.ready("uid-1", "uid-2")
    assert await mesh.fetch("pod-1", "http://10.244.0.12:8080/") == "pod-2"
    assert await mesh.fetch("pod-1", "http://two:8080/") == "pod-2"
    assert await mesh.fetch("pod-2", "http://10.244.0.11:8080/") == "pod-1"


async def test_names_change_under_a_running_pod_and_unknown_ones_fail_at_once(mesh: Mesh) -> None:
    mesh.start()
    mesh.order(pod(1), hosts={"default": {"old": "10.96.0.1"}})
    await mesh.ready("uid-1")
    assert "10.96.0.1" in await mesh.execute("pod-1", "getent", "hosts", "old")
    mesh.order(pod(1), hosts={"default": {"new": "10.96.0.2"}, "other": {"hidden": "10.96.0.3"}})
    await until(lambda: not mesh.controller.queue.qsize())
    assert "10.96.0.2" in await mesh.execute("pod-1", "getent", "hosts", "new")
    assert await mesh.execute("pod-1", "getent", "hosts", "old") == ""
    assert await mesh.execute("pod-1", "getent", "hosts", "hidden") == ""
    assert "10.244.0.11" in await mesh.execute("pod-1", "getent", "hosts", "pod-1")
    begin = time.monotonic()
    await mesh.execute("pod-1", "getent", "hosts", "unknown.example.com")
    assert time.monotonic() - begin < 2


async def test_the_machine_and_a_pod_reach_each_other(mesh: Mesh) -> None:
    mesh.start()
    mesh.order(pod(1))
    await mesh.ready("uid-1")
    reader, writer = await asyncio.open_connection("10.244.0.11", 8080)
    writer.write(b"GET / HTTP/1.0\r\n\r\n")
    assert b"pod-1" in await reader.read()
    writer.close()
    server = await asyncio.start_server(lambda _, answer: answer.close(), "10.244.0.2", 7000)
    async with server:
        assert await mesh.inside("uid-1", "curl", "-s", "-m", "2", "-w", "%{errormsg}", "http://10.244.0.2:7000/")


async def test_nothing_leads_past_the_rules_by_ipv6(mesh: Mesh) -> None:
    mesh.start()
    mesh.order(pod(1))
    await mesh.ready("uid-1")
    addresses = await mesh.inside("uid-1", "ip", "-6", "-o", "address")
    assert "eth0" not in addresses
    assert "::1" in addresses


async def test_a_killed_application_comes_back_and_its_envoy_stays(mesh: Mesh) -> None:
    mesh.start()
    mesh.order(pod(1, proxy=sidecar()))
    (before,) = await mesh.ready("uid-1")
    app, envoy = pids(before)
    assert app is not None
    os.kill(app, signal.SIGKILL)
    after = await mesh.wait("uid-1", lambda report: report.ready and restarts(report) == 1)
    assert pids(after)[0] != app
    assert pids(after)[1] == envoy


async def test_a_killed_envoy_comes_back_and_its_application_stays(mesh: Mesh) -> None:
    mesh.start()
    mesh.order(pod(1, proxy=sidecar()))
    (before,) = await mesh.ready("uid-1")
    app, envoy = pids(before)
    assert envoy is not None
    os.kill(envoy, signal.SIGKILL)
    after = await mesh.wait(
        "uid-1", lambda report: report.ready and report.proxy is not None and report.proxy.restarts == 1
    )
    assert pids(after)[0] == app


async def test_a_new_node_adopts_everything_without_a_restart_and_without_being_unready(mesh: Mesh) -> None:
    mesh.start()
    mesh.order(*(pod(number, proxy=sidecar()) for number in (1, 2)))
    before = await mesh.ready("uid-1", "uid-2")
    await mesh.leave()
    assert await mesh.inside("uid-1", "curl", "-s", "-m", "2", "http://10.244.0.12:8080/") == "pod-2"
    seen: list[PodReport] = []
    mesh.controller.on_report = seen.extend
    mesh.start()  # no new orders: the controller may be dead
    after = await mesh.ready("uid-1", "uid-2")
    assert [pids(report) for report in after] == [pids(report) for report in before]
    assert [restarts(report) for report in after] == [0, 0]
    assert all(report.ready for report in seen)


async def test_what_ended_or_changed_while_no_node_ran_is_made_right(mesh: Mesh) -> None:
    mesh.start()
    mesh.order(pod(1), pod(2), pod(3))
    before = await mesh.ready("uid-1", "uid-2", "uid-3")
    await mesh.leave()
    os.kill(pids(before[0])[0] or 0, signal.SIGKILL)
    mesh.start()
    mesh.order(pod(1), replace(pod(2), containers=(container(environment=(("NEW", "1"),)),)))
    first, _ = await mesh.ready("uid-1", "uid-2")
    assert restarts(first) == 1
    await mesh.wait("uid-2", lambda report: report.ready and pids(report) != pids(before[1]))
    assert "NEW=1" in await mesh.execute("pod-2", "env")
    await mesh.wait("uid-3", lambda report: report.reason == "Removed")
    assert not mesh.namespace("uid-3").exists()
    assert not is_running(pids(before[2])[0])


async def test_a_pod_that_is_not_ordered_any_more_is_removed_with_all_it_left(mesh: Mesh) -> None:
    detached = python(
        "import os, time\nif os.fork() == 0:\n  os.setsid()\n  if os.fork() == 0: time.sleep(1000)\ntime.sleep(1000)"
    )
    mesh.start()
    mesh.order(pod(1, container(command=detached, readiness=None)), pod(2))
    await mesh.ready("uid-1", "uid-2")
    inode = mesh.namespace("uid-1").stat().st_ino

    def members() -> list[str]:
        found = []
        for path in Path("/proc").glob("[0-9]*/ns/net"):
            try:
                if path.stat().st_ino == inode:
                    found.append(str(path))
            except OSError:
                continue
        return found

    await until(lambda: len(members()) == 3)
    mesh.order(pod(2))
    await mesh.wait("uid-1", lambda report: report.reason == "Removed")
    await until(lambda: members() == [])
    assert not mesh.namespace("uid-1").exists()
    assert await mesh.fetch("pod-2", "http://127.0.0.1:8080/") == "pod-2"


LEAVES_A_LISTENER_BEHIND = """
import os, socket, time
listener = socket.create_server(("0.0.0.0", 8080))
if os.fork() == 0:
    os.setsid()
    time.sleep(1000)
"""


async def test_what_a_container_left_behind_does_not_hold_up_its_restart(mesh: Mesh) -> None:
    mesh.start()
    mesh.order(pod(1, container(command=python(LEAVES_A_LISTENER_BEHIND), readiness=None)))
    await mesh.wait("uid-1", lambda report: bool(report.containers) and restarts(report) >= 2)
    (log,) = log_files(mesh.settings, "default", "pod-1", previous=True)
    assert log.read_text() == ""


async def test_the_removal_of_a_pod_is_reported_even_by_the_next_node(mesh: Mesh) -> None:
    mesh.start()
    mesh.order(pod(1), pod(2))
    await mesh.ready("uid-1", "uid-2")
    mesh.controller.away = True
    mesh.order(pod(2))
    await until(lambda: not mesh.namespace("uid-1").exists())
    await asyncio.sleep(0.2)
    await mesh.leave()
    mesh.controller.away = False
    mesh.start()
    await mesh.wait("uid-1", lambda report: report.reason == "Removed")
    await mesh.leave()
    mesh.start()
    await mesh.ready("uid-2")
    assert "uid-1" not in mesh.controller.reports


async def test_a_removed_namespace_is_not_held_by_the_pods_that_stay(mesh: Mesh) -> None:
    """Mount namespaces are copies: those of other pods hold the pins that there were when they started."""
    mesh.start()
    mesh.order(pod(1), pod(2))
    await mesh.ready("uid-1", "uid-2")
    mesh.order(pod(1), pod(2), pod(3))
    await mesh.ready("uid-3")
    name = mesh.namespace("uid-1").name
    mesh.order(pod(2), pod(3))
    await mesh.wait("uid-1", lambda report: report.reason == "Removed")
    for found in ("pod-2", "pod-3"):
        assert name not in await mesh.execute(found, "cat", "/proc/self/mountinfo")


async def test_an_address_may_be_used_again_at_once(mesh: Mesh) -> None:
    mesh.start()
    mesh.order(pod(1), pod(2))
    await mesh.ready("uid-1", "uid-2")
    assert await mesh.fetch("pod-2", "http://10.244.0.11:8080/") == "pod-1"
    mesh.order(pod(2))
    await mesh.wait("uid-1", lambda report: report.reason == "Removed")
    mesh.order(pod(2), pod(3, addresses=("10.244.0.11",)))
    await mesh.ready("uid-3")
    assert await mesh.fetch("pod-2", "http://10.244.0.11:8080/") == "pod-3"


async def test_containers_wait_for_envoy_unless_told_otherwise(mesh: Mesh) -> None:
    never_ready = bootstrap().replace("15021", "15999")
    mesh.start()
    mesh.order(
        pod(1, proxy=sidecar(bootstrap=never_ready)),
        pod(2, proxy=sidecar(bootstrap=never_ready, hold_application=False)),
    )
    report = await mesh.wait("uid-2", lambda report: bool(report.containers) and report.containers[0].ready)
    assert not report.ready
    held = mesh.controller.reports["uid-1"]
    assert (held.phase, held.containers[0].state) == ("Pending", "waiting")


async def test_a_pod_waits_unready_while_the_controller_gives_no_credentials(mesh: Mesh) -> None:
    mesh.controller.away = True
    mesh.start()
    mesh.order(pod(1, proxy=sidecar()))
    await until(lambda: mesh.namespace("uid-1").exists())
    await asyncio.sleep(0.5)
    mesh.controller.away = False
    (report,) = await mesh.ready("uid-1")
    assert restarts(report) == 0


async def test_probes_see_the_application_behind_the_redirection(mesh: Mesh) -> None:
    """Envoy here answers nothing on 15006: a probe that it captured would fail."""
    commands = Probe(action=Action(command=("test", "-e", "/proc/self")), period=200)
    probes = {"liveness": commands, "startup": Probe(action=Action(tcp=True, port=8080), failure_threshold=30)}
    mesh.start()
    mesh.order(pod(1, container(**probes), proxy=sidecar(redirected=True)), pod(2))
    await mesh.ready("uid-1", "uid-2")
    refused = await mesh.execute("pod-2", "curl", "-sS", "-m", "2", "http://10.244.0.11:8080/")
    assert "curl: (7)" in refused


async def test_readiness_follows_the_application_and_liveness_restarts_it(mesh: Mesh) -> None:
    switch = "import os, sys; sys.exit(not os.path.exists('/tmp/weft-test-{}'))"
    flags = [Path(f"/tmp/weft-test-{kind}-{os.getpid()}") for kind in ("ready", "alive")]
    ready, alive = (
        Probe(action=Action(command=python(switch.format(flag.name.removeprefix("weft-test-")))), period=100)
        for flag in flags
    )
    try:
        for flag in flags:
            flag.touch()
        mesh.start()
        mesh.order(pod(1, container(readiness=replace(ready, failure_threshold=1), liveness=alive)))
        await mesh.ready("uid-1")
        flags[0].unlink()
        await mesh.wait("uid-1", lambda report: not report.ready)
        flags[0].touch()
        await mesh.ready("uid-1")
        flags[1].unlink()
        await mesh.wait("uid-1", lambda report: restarts(report) >= 1)
    finally:
        for flag in flags:
            flag.unlink(missing_ok=True)


async def test_an_application_that_always_ends_is_in_back_off(mesh: Mesh) -> None:
    mesh.start()
    mesh.order(pod(1, container(command=("false",), readiness=None)))
    report = await mesh.wait("uid-1", lambda report: reason(report) == "CrashLoopBackOff")
    assert report.containers[0].exit_code == 1
    await mesh.wait("uid-1", lambda report: restarts(report) >= 2)


async def test_a_job_runs_once_and_takes_its_envoy_with_it(mesh: Mesh) -> None:
    job = container(command=("sh", "-c", "echo done; exit 0"), readiness=None)
    mesh.start()
    mesh.order(pod(1, job, restart="OnFailure", proxy=sidecar()))
    report = await mesh.wait("uid-1", lambda report: report.phase == "Succeeded" and pids(report) == [None, None])
    assert report.containers[0].exit_code == 0
    await mesh.leave()
    mesh.start()
    await mesh.wait("uid-1", lambda report: report.phase == "Succeeded")
    (log,) = log_files(mesh.settings, "default", "pod-1")
    assert log.read_text() == "done\n"


async def test_what_can_t_run_says_why_and_disturbs_nobody(mesh: Mesh) -> None:
    mesh.start()
    mesh.order(
        pod(1, container(command=())),
        pod(2, container(command=("no-such-program",))),
        pod(3),
        pod(4, addresses=("no address",)),
        pod(5, container(name="../../x")),
    )
    await mesh.ready("uid-3")
    first = await mesh.wait(
        "uid-1", lambda report: bool(report.containers) and report.containers[0].reason != "ContainerCreating"
    )
    assert first.containers[0].reason == "ErrImagePull"
    assert "'app:1' is not pulled in standalone mode" in first.containers[0].message
    second = await mesh.wait("uid-2", lambda report: bool(reason(report)) and report.containers[0].exit_code == 128)
    assert "'no-such-program' is not found" in second.containers[0].message
    for uid in ("uid-4", "uid-5"):
        report = await mesh.wait(uid, lambda report: bool(report.reason))
        assert report.reason == "FailedCreatePodSandBox"
    mesh.order(pod(1), pod(3), pod(4))
    await mesh.ready("uid-1", "uid-3", "uid-4")


async def test_an_application_sees_nothing_of_the_meshs_secrets(mesh: Mesh) -> None:
    mesh.start()
    mesh.order(pod(1, proxy=sidecar()))
    (report,) = await mesh.ready("uid-1")
    envoy = pids(report)[1]
    hidden = mesh.settings.hidden
    assert await mesh.execute("pod-1", "ls", "-A", str(hidden)) == ""
    token = f"/proc/{envoy}/cwd/credentials/token.yaml"
    assert "token 1" in read(token)
    for user in ("0", "1337"):
        become = ("setpriv", "--reuid", user, "--regid", user, "--clear-groups")
        for path in (token, f"/proc/{envoy}/root{mesh.settings.state}", f"/proc/{envoy}/environ"):
            assert "ermission denied" in await mesh.execute("pod-1", *become, "cat", path)
    status = await mesh.execute("pod-1", "cat", "/proc/self/status")
    assert "NoNewPrivs:\t1" in status
    assert "CapBnd:\t00000000a00425fb" in status  # CONTAINER_CAPABILITIES as bits
    assert "must be superuser" in await mesh.execute("pod-1", "umount", str(hidden))


async def test_an_ordered_user_runs_the_application(mesh: Mesh) -> None:
    mesh.start()
    mesh.order(pod(1, container(user=4242)))
    await mesh.ready("uid-1")
    assert "uid=4242 gid=4242 groups=4242" in await mesh.execute("pod-1", "id")
    assert await mesh.execute("pod-1", "hostname") == "pod-1\n"


async def test_credentials_are_replaced_when_trust_changes(mesh: Mesh) -> None:
    mesh.start()
    mesh.order(pod(1, proxy=sidecar()))
    (report,) = await mesh.ready("uid-1")
    token = f"/proc/{pids(report)[1]}/cwd/credentials/token.yaml"
    assert "token 1 of uid-1" in read(token)
    mesh.order(pod(1, proxy=sidecar()), trust_revision=1)
    await until(lambda: "token 2 of uid-1" in read(token))


def certificate(name: str) -> str:
    """A root certificate of this name, as PEM."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    made = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(key, SHA256())
    return made.public_bytes(Encoding.PEM).decode()


async def test_envoy_reads_its_credentials_and_follows_their_change(mesh: Mesh) -> None:
    order = pod(1, proxy=sidecar(bootstrap=bootstrap(clusters=(trusting_cluster(),))))
    admin = mesh.settings.state / "pods" / pod_id("uid-1") / "proxy/admin.sock"

    async def is_trusted(root: str) -> bool:
        answer = await ask(admin, Call(target="/config_dump?resource=dynamic_active_secrets"))
        return json.dumps(root).encode() in answer.body

    mesh.controller.root = first = certificate("first")
    mesh.start()
    mesh.order(order)
    (report,) = await mesh.ready("uid-1")
    assert await is_trusted(first)
    mesh.controller.root = second = certificate("second")
    mesh.order(order, trust_revision=1)
    async with asyncio.timeout(10):
        while not await is_trusted(second):  # noqa: ASYNC110 - it is Envoy's to notice
            await asyncio.sleep(0.1)
    assert pids(mesh.controller.reports["uid-1"]) == pids(report)


async def test_a_long_bootstrap_is_taken_too(mesh: Mesh) -> None:
    mesh.start()
    mesh.order(pod(1, proxy=sidecar(bootstrap=bootstrap(mark="x" * 140_000))))
    await mesh.ready("uid-1")


async def test_a_changed_bootstrap_restarts_envoy_alone(mesh: Mesh) -> None:
    mesh.start()
    mesh.order(pod(1, proxy=sidecar()))
    (before,) = await mesh.ready("uid-1")
    mesh.order(pod(1, proxy=sidecar(bootstrap=bootstrap(mark="two"))))
    after = await mesh.wait("uid-1", lambda report: report.ready and pids(report)[1] != pids(before)[1])
    assert pids(after)[0] == pids(before)[0]


async def test_a_gateway_on_the_machine_runs_in_our_own_network(mesh: Mesh) -> None:
    gateway = bootstrap(answering("http", 80, "gateway")).replace("15021", "25021")
    order = pod(1, host_network=True, containers=(), addresses=(), proxy=sidecar(bootstrap=gateway, ready_port=25021))
    mesh.start()
    mesh.order(order)
    (report,) = await mesh.ready("uid-1")
    assert report.phase == "Running"
    reader, writer = await asyncio.open_connection("127.0.0.1", 80)
    writer.write(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    assert b"gateway" in await reader.read()
    writer.close()
    mesh.order()
    await mesh.wait("uid-1", lambda report: report.reason == "Removed")
    with pytest.raises(OSError, match="Connect call failed"):
        await asyncio.open_connection("127.0.0.1", 80)


async def test_requests_in_flight_end_before_their_pod_does(mesh: Mesh) -> None:
    mesh.start()
    mesh.order(pod(1, proxy=sidecar(drain=3_000)), pod(2))
    await mesh.ready("uid-1", "uid-2")
    request = asyncio.create_task(mesh.fetch("pod-2", "http://10.244.0.11:8080/slow"))
    await asyncio.sleep(0.2)
    mesh.order(pod(2))
    assert await request == "pod-1"
    await mesh.wait("uid-1", lambda report: report.reason == "Removed")


async def test_output_is_bounded_under_the_process_that_writes_it(mesh: Mesh) -> None:
    chatter = "import time\nn = 0\nwhile True:\n  n += 1\n  print(n, 'x' * 90)\n  time.sleep(0.001)"
    mesh.start()
    mesh.order(pod(1, container(command=python(chatter), readiness=None)))
    await mesh.ready("uid-1")
    await until(lambda: len(log_files(mesh.settings, "default", "pod-1")) == 3, patience=20)
    await asyncio.sleep(1)
    files = log_files(mesh.settings, "default", "pod-1")
    assert sum(path.stat().st_size for path in files) < 400_000
    last = files[-1].read_text()
    assert "\0" not in last
    assert restarts(mesh.controller.reports["uid-1"]) == 0


async def test_commands_run_only_in_containers_that_do(mesh: Mesh) -> None:
    mesh.start()
    mesh.order(pod(1), pod(2, container(command=())))
    await mesh.ready("uid-1")
    await mesh.wait("uid-2", lambda report: bool(report.containers))
    for name, which, message in (
        ("pod-9", None, "there is no pod default/pod-9"),
        ("pod-2", None, "container app of pod default/pod-2 does not run"),
        ("pod-1", "web", "no container web: choose one of app"),
    ):
        with pytest.raises(InspectionError, match=message):
            exec_arguments(mesh.settings, "default", name, ("true",), which)
