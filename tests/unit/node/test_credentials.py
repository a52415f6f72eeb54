"""weft.node: credentials are swapped whole, are nobody else's, and are renewed in time."""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.node.fakes import FakeController, running, until

from weft.model.local import Credentials
from weft.node.credentials import CredentialsRecord, renewal_time, store_credentials, stored_credentials
from weft.node.keeper import CredentialKeeper
from weft.node.state import PodFolder

RECORD = CredentialsRecord(issued=0, expires=100, trust_revision=0)


@pytest.fixture
def folder(tmp_path: Path) -> PodFolder:
    made = PodFolder(tmp_path / "pod")
    made.create()
    return made


def store(folder: PodFolder, token: str) -> None:
    store_credentials(folder, Credentials(token=token, root="ROOT", expires=100), RECORD, os.getuid())


def test_envoys_secret_files_hold_token_and_root(folder: PodFolder) -> None:
    store(folder, "secret\n")
    assert secret_of(folder, "token")["generic_secret"]["secret"] == {"inline_string": "secret"}
    assert secret_of(folder, "root")["validation_context"]["trusted_ca"] == {"inline_string": "ROOT"}


def secret_of(folder: PodFolder, name: str) -> Any:
    """The one secret of a file of Envoy's SDS."""
    return json.loads((folder.proxy / "credentials" / f"{name}.yaml").read_text())["resources"][0]


def test_nobody_else_may_read_them(folder: PodFolder) -> None:
    store(folder, "secret")
    place = folder.proxy / "credentials"
    for path in place.rglob("*"):
        if not path.is_symlink():
            assert path.stat().st_mode & 0o077 == 0
    assert place.stat().st_mode & 0o077 == 0


def test_all_files_change_by_one_rename_and_the_former_ones_go(folder: PodFolder) -> None:
    store(folder, "one")
    place = folder.proxy / "credentials"
    links = {path.name: os.readlink(path) for path in place.iterdir() if path.is_symlink() and path.name != "..data"}
    first = os.readlink(place / "..data")
    store(folder, "two")
    assert secret_of(folder, "token")["generic_secret"]["secret"]["inline_string"] == "two"
    assert os.readlink(place / "..data") != first
    assert not (place / first).exists()
    assert {name: os.readlink(place / name) for name in links} == links
    assert all(target.startswith("..data/") for target in links.values())


def test_a_swap_that_was_cut_short_is_repaired_by_the_next(folder: PodFolder) -> None:
    store(folder, "one")
    place = folder.proxy / "credentials"
    (place / "..7").mkdir()
    (place / "..new").symlink_to("nowhere")
    store(folder, "two")
    assert secret_of(folder, "token")["generic_secret"]["secret"]["inline_string"] == "two"
    assert not (place / "..7").exists()


@given(st.floats(0, 1), st.integers(1, 10**6))
def test_credentials_are_renewed_at_80_percent_of_their_life_or_a_little_earlier(chance: float, life: int) -> None:
    record = CredentialsRecord(issued=1_000, expires=1_000 + life, trust_revision=0)
    assert 1_000 + 0.7 * life - 1e-6 <= renewal_time(record, chance) <= 1_000 + 0.8 * life + 1e-6


def keeper(folder: PodFolder, controller: FakeController) -> CredentialKeeper:
    controller.now = time.time
    return CredentialKeeper("u", folder, os.getuid(), controller)


async def test_credentials_are_fetched_and_renewed(folder: PodFolder) -> None:
    controller = FakeController(life=1.3)
    kept = keeper(folder, controller)
    async with running(kept.run()):
        await kept.present.wait()
        assert secret_of(folder, "token")["generic_secret"]["secret"]["inline_string"] == "token 1 of u"
        await until(lambda: controller.given >= 2)


async def test_a_pod_waits_for_a_controller_that_is_away(folder: PodFolder) -> None:
    controller = FakeController()
    controller.away = True
    kept = keeper(folder, controller)
    async with running(kept.run()) as task:
        await until(lambda: not kept.present.is_set() and not task.done())
        controller.away = False
        await until(kept.present.is_set)


async def test_credentials_that_still_hold_are_used_without_a_controller(folder: PodFolder) -> None:
    first = keeper(folder, FakeController())
    async with running(first.run()):
        await first.present.wait()
    away = FakeController()
    away.away = True
    second = keeper(folder, away)
    async with running(second.run()):
        await until(second.present.is_set)


async def test_a_change_of_trust_replaces_credentials_at_once(folder: PodFolder) -> None:
    controller = FakeController()
    kept = keeper(folder, controller)
    async with running(kept.run()):
        await kept.present.wait()
        kept.trust(5)
        await until(lambda: controller.given == 2)
        await until(lambda: (stored_credentials(folder) or RECORD).trust_revision == 5)
