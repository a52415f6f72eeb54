"""Who may connect, and keys, roots and tokens that are replaced under a running Envoy."""

import asyncio
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.e2e.xds.harness import POD, XDS_PORT, ControlPlane, Envoy, Load, everything, request, until

from weft.identity.profiles import Subject
from weft.identity.signer import certificates_pem, self_signed
from weft.serve.ca.live import utc_now
from weft.serve.callers import Pod

pytestmark = pytest.mark.isolation("userns", here=True)
Start = Callable[..., Envoy]
OTHER = Pod("uid-2", "shop", "web-1", "web", Subject("web"))


async def serving() -> bool:
    return (await request()).status == 200


async def gets_nothing(plane: ControlPlane, envoy: Envoy) -> None:
    """It tried more than once, and was told nothing."""
    await until(lambda: tried(envoy), 15.0)
    assert plane.registry.states() == ()
    assert await envoy.stat("cluster_manager.cds.update_success") == 0
    assert "dynamic_active_clusters" not in await envoy.dump()


async def tried(envoy: Envoy) -> bool:
    return await envoy.stat("cluster.xds-grpc.upstream_rq_total") >= 2


async def test_the_token_of_another_pod_gets_nothing(plane: ControlPlane, start_envoy: Start) -> None:
    plane.set(*everything())
    plane.pods[OTHER.uid] = OTHER
    await gets_nothing(plane, start_envoy(plane, plane.tokens.issue(OTHER)))


async def test_the_token_of_a_deleted_pod_gets_nothing(plane: ControlPlane, start_envoy: Start) -> None:
    plane.set(*everything())
    await gets_nothing(plane, start_envoy(plane, plane.tokens.issue(OTHER)))


@pytest.mark.parametrize("token", ["expired", "nonsense", "Bearer nonsense"])
async def test_a_bad_token_gets_nothing(plane: ControlPlane, start_envoy: Start, token: str) -> None:
    plane.set(*everything())
    await gets_nothing(plane, start_envoy(plane, plane.tokens.issue(POD, -1) if token == "expired" else token))


async def test_a_token_with_bearer_is_as_good(plane: ControlPlane, start_envoy: Start) -> None:
    plane.set(*everything())
    start_envoy(plane, f"Bearer {plane.tokens.issue(POD)}")
    await until(serving)


async def test_the_stream_of_a_deleted_pod_ends_and_does_not_come_back(plane: ControlPlane, start_envoy: Start) -> None:
    plane.set(*everything())
    envoy = start_envoy(plane)
    await until(serving)
    del plane.pods[POD.uid]
    plane.registry.close_pod(POD.uid)
    await until(lambda: not plane.registry.states())
    await until(lambda: tried(envoy), 15.0)
    assert plane.registry.states() == ()


async def test_there_is_no_plaintext(plane: ControlPlane) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", XDS_PORT)
    writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9))
    assert await asyncio.wait_for(reader.read(), 10) == b"" or not reader.at_eof()
    writer.close()


async def test_an_envoy_does_not_talk_to_a_server_of_another_root(plane: ControlPlane, start_envoy: Start) -> None:
    plane.set(*everything())
    envoy = start_envoy(plane, None, certificates_pem(self_signed("mesh.test", utc_now()).root).decode())
    await until(lambda: failed_tls(envoy))
    assert plane.registry.states() == ()


async def failed_tls(envoy: Envoy) -> bool:
    return await envoy.stat("cluster.xds-grpc.ssl.fail_verify_error") > 0


async def test_certificates_of_short_life_rotate_on_the_open_stream(start_envoy: Start) -> None:
    """Every request is a new handshake, checked at both ends; no certificate lives longer than 6 s."""
    async with ControlPlane(lifetime=6.0) as plane:
        plane.set(*everything())
        start_envoy(plane)
        await until(serving)
        connected = plane.registry.states()[0].connected
        async with Load() as load:
            await asyncio.sleep(14.0)
        assert load.failed == []
        assert len({answer["x-serial"] for answer in load.answers}) >= 5
        assert plane.registry.states()[0].connected == connected, "it is the same stream"
        assert not plane.nacks


async def test_a_root_is_replaced_under_load(start_envoy: Start) -> None:
    """Workloads' certificates, the server's own, and the root that Envoy trusts it by: all change, none fails."""
    async with ControlPlane(age=1.0) as plane:
        plane.set(*everything())
        envoy = start_envoy(plane)
        await until(serving)
        old = plane.root()
        async with Load() as load:
            for step in ("prepare", "switch", "retire"):
                arguments = [self_signed("mesh.test", utc_now())] if step == "prepare" else []
                plane.authority.replace(getattr(plane.authority.current, step)(*arguments))
                envoy.credentials(plane.tokens.issue(POD), plane.root())
                await asyncio.sleep(0.2)
                await until(lambda: plane.statuses().get("Secret") == "SYNCED")
                await asyncio.sleep(0.5)
            handshakes = await envoy.stat("cluster.xds-grpc.ssl.handshake")
            first = plane.registry.states()[0].connected
            plane.registry.of_pod(POD.uid)[0].end()
            await until(lambda: bool(plane.statuses()) and plane.registry.states()[0].connected > first)
        assert load.failed == []
        assert await envoy.stat("cluster.xds-grpc.ssl.handshake") == handshakes + 1
        assert await envoy.stat("cluster.xds-grpc.ssl.fail_verify_error") == 0
        assert old != plane.root()
        assert b64encode(old.encode()).decode() not in await envoy.dump()


async def test_a_new_token_is_used_by_the_next_stream(plane: ControlPlane, start_envoy: Start) -> None:
    plane.set(*everything())
    envoy = start_envoy(plane, plane.tokens.issue(POD, 4.0))
    await until(serving)
    first = plane.registry.states()[0].connected
    envoy.credentials(plane.tokens.issue(POD), plane.root())
    await until(lambda: bool(plane.statuses()) and plane.registry.states()[0].connected > first, 15.0)
    await asyncio.sleep(5.0)
    assert len(plane.registry.states()) == 1, "the stream outlives the first token"


async def test_streams_end_after_their_lifetime_and_come_back(start_envoy: Start, tmp_path: Path) -> None:
    async with ControlPlane(stream_lifetime=1.0) as plane:
        plane.set(*everything())
        start_envoy(plane)
        await until(serving)
        seen = set()
        async with Load() as load:
            for _ in range(100):
                seen |= {state.connected for state in plane.registry.states()}
                await asyncio.sleep(0.05)
        assert len(seen) >= 3
        assert load.failed == []
