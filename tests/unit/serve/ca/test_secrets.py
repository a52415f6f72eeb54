"""A pod has one certificate, fresh on its open streams, kept over reconnects, and nobody else's."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509

from weft.base import protobuf
from weft.envoy.type_urls import SDS
from weft.identity.authority import Authority, new_authority
from weft.identity.profiles import Subject
from weft.identity.signer import load_certificates, self_signed
from weft.serve.ads.views import Changes, View
from weft.serve.ca.live import LiveAuthority
from weft.serve.ca.secrets import WorkloadSecrets
from weft.serve.ca.serving import ServingCertificate
from weft.serve.callers import Pod, RefusedError

START = datetime(2030, 1, 1, tzinfo=UTC)
POD = Pod("uid-1", "shop", "web-0", "web", Subject("web"))


class Clock:
    """Time that tests move. What sleeps does so in real time, so that lifetimes here are short."""

    now = START

    def __call__(self) -> datetime:
        return self.now


class Ear:
    def __init__(self) -> None:
        self.heard: asyncio.Queue[Changes] = asyncio.Queue()

    def changed(self, changes: Changes) -> None:
        self.heard.put_nowait(changes)


class Setting:
    def __init__(self, lifetime: float = 86_400.0) -> None:
        self.clock = Clock()
        self.saved: list[Authority] = []
        self.authority = LiveAuthority(new_authority("td", self_signed("td", START)), self.saved.append, self.clock)
        self.secrets = WorkloadSecrets(self.authority, timedelta(seconds=lifetime))


def secret(view: View, name: str) -> Any:
    found = view.source.named(SDS, name)
    assert found is not None
    wire: Any = protobuf.parse("envoy.service.discovery.v3.Resource", found.wire)
    return protobuf.unpack(wire.resource)


def certificate(view: View) -> x509.Certificate:
    pem = secret(view, "default").tls_certificate.certificate_chain.inline_bytes
    return load_certificates(pem, "default")[0]


async def test_a_pod_gets_its_certificate_and_the_roots() -> None:
    setting = Setting()
    view = await setting.secrets.view_of(POD)
    names = certificate(view).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [name.value for name in names] == ["spiffe://td/ns/shop/sa/web"]
    assert certificate(view).subject.rfc4514_string() == "CN=web"
    assert b"PRIVATE KEY" in secret(view, "default").tls_certificate.private_key.inline_bytes
    assert secret(view, "ROOTCA").validation_context.trusted_ca.inline_bytes == setting.authority.current.bundle
    assert view.source.named(SDS, "other") is None


async def test_pods_of_one_account_have_keys_of_their_own() -> None:
    secrets = Setting().secrets
    first = await secrets.view_of(POD)
    second = await secrets.view_of(Pod("uid-2", "shop", "web-1", "web"))
    assert certificate(first).public_key() != certificate(second).public_key()


async def test_a_certificate_is_kept_over_reconnects_until_it_is_due() -> None:
    setting = Setting(lifetime=100)
    first = certificate(await setting.secrets.view_of(POD))
    setting.clock.now += timedelta(seconds=39)
    assert certificate(await setting.secrets.view_of(POD)) == first
    setting.clock.now += timedelta(seconds=12)
    assert certificate(await setting.secrets.view_of(POD)) != first


async def test_streams_that_open_together_share_one_certificate() -> None:
    secrets = Setting().secrets
    first, second = await asyncio.gather(secrets.view_of(POD), secrets.view_of(POD))
    assert first is second


async def test_a_certificate_is_renewed_on_the_open_stream() -> None:
    setting = Setting(lifetime=0.4)
    view, ear = await setting.secrets.view_of(POD), Ear()
    first = certificate(view)
    view.attach(ear)
    running = asyncio.create_task(setting.secrets.run())
    setting.clock.now += timedelta(seconds=0.2)
    assert await asyncio.wait_for(ear.heard.get(), 2) == {SDS: {"default"}}
    assert certificate(view) != first
    running.cancel()


async def test_a_pod_without_a_stream_is_not_renewed() -> None:
    setting = Setting(lifetime=0.4)
    await setting.secrets.view_of(POD)
    running = asyncio.create_task(setting.secrets.run())
    setting.clock.now += timedelta(seconds=0.2)
    await asyncio.sleep(0.3)
    assert not setting.secrets._entries
    running.cancel()


async def test_a_deleted_pod_s_key_is_dropped() -> None:
    setting = Setting()
    first = await setting.secrets.view_of(POD)
    setting.secrets.forget(POD.uid)
    assert certificate(await setting.secrets.view_of(POD)) != certificate(first)


async def test_a_rotation_pushes_roots_first_and_then_certificates() -> None:
    setting = Setting()
    view, ear = await setting.secrets.view_of(POD), Ear()
    first = certificate(view)
    view.attach(ear)
    running = asyncio.create_task(setting.secrets.run())
    new = self_signed("td", START)
    setting.authority.replace(setting.authority.current.prepare(new))
    assert await asyncio.wait_for(ear.heard.get(), 2) == {SDS: {"ROOTCA"}}
    assert len(load_certificates(secret(view, "ROOTCA").validation_context.trusted_ca.inline_bytes, "roots")) == 2
    assert certificate(view) == first
    setting.authority.replace(setting.authority.current.switch())
    assert await asyncio.wait_for(ear.heard.get(), 2) == {SDS: {"default"}}
    certificate(view).verify_directly_issued_by(new.root)
    setting.authority.replace(setting.authority.current.retire())
    assert await asyncio.wait_for(ear.heard.get(), 2) == {SDS: {"ROOTCA"}}
    assert secret(view, "ROOTCA").validation_context.trusted_ca.inline_bytes == setting.authority.current.bundle
    assert [len(authority.roots) for authority in setting.saved] == [2, 2, 1], "each step was saved before it counted"
    running.cancel()


async def test_an_expired_authority_refuses_new_pods_and_does_not_end_the_renewal() -> None:
    setting = Setting(lifetime=1e10)
    view, ear = await setting.secrets.view_of(POD), Ear()
    view.attach(ear)
    setting.clock.now = START + timedelta(days=3651)
    running = asyncio.create_task(setting.secrets.run())
    with pytest.raises(RefusedError, match="expired"):
        await setting.secrets.view_of(Pod("uid-2", "shop", "web-1", "web"))
    await asyncio.sleep(0.05)
    assert not running.done()
    setting.authority.replace(new_authority("td", self_signed("td", setting.clock.now)))
    assert await asyncio.wait_for(ear.heard.get(), 2) == {SDS: {"ROOTCA"}}
    assert await asyncio.wait_for(ear.heard.get(), 2) == {SDS: {"default"}}
    running.cancel()


def test_the_serving_certificate_follows_time_and_authority() -> None:
    setting = Setting()
    serving = ServingCertificate(setting.authority, ["weft.test"], timedelta(seconds=100))
    first = serving.context()
    assert serving.context() is first
    setting.clock.now += timedelta(seconds=50)
    second = serving.context()
    assert second is not first
    assert serving.context() is second
    setting.authority.replace(setting.authority.current.prepare(self_signed("td", START)))
    assert serving.context() is second
    setting.authority.replace(setting.authority.current.switch())
    third = serving.context()
    assert third is not second
    assert serving.context() is third
