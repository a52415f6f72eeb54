"""The mesh's authority and tokens: kept in files that only their owner reads, and the same after a restart."""

import stat
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509

from weft.apps.authority import Identity
from weft.identity.signer import self_signed
from weft.serve.ca.live import utc_now
from weft.serve.callers import Pod, RefusedError

POD = Pod("uid-1", "shop", "web-1", "seller")


def identity(folder: Path, mesh: str = "test", domain: str = "cluster.local") -> Identity:
    return Identity(folder, mesh, domain, lambda uid: POD if uid == POD.uid else None)


async def test_a_token_is_good_for_its_pod_also_after_a_restart(tmp_path: Path) -> None:
    token = identity(tmp_path).credentials(POD, lambda: 0.0).token
    caller = await identity(tmp_path).guard.review(token, "10.244.0.2")
    assert caller.pod == POD


async def test_a_token_of_another_mesh_is_not_good(tmp_path: Path) -> None:
    token = identity(tmp_path, "other").credentials(POD).token
    with pytest.raises(RefusedError):
        await identity(tmp_path).guard.review(token, "10.244.0.2")


def test_the_roots_are_the_same_after_a_restart(tmp_path: Path) -> None:
    first, again = identity(tmp_path), identity(tmp_path)
    assert first.credentials(POD).root == again.credentials(POD).root
    (root,) = x509.load_pem_x509_certificates(first.credentials(POD).root.encode())
    assert root.not_valid_after_utc - utc_now() > timedelta(days=365)


def test_another_trust_domain_has_another_authority(tmp_path: Path) -> None:
    first, other = identity(tmp_path), identity(tmp_path, domain="example.org")
    assert first.credentials(POD).root != other.credentials(POD).root
    assert other.authority.current.trust_domain == "example.org"


def test_credentials_say_until_when_they_are_good(tmp_path: Path) -> None:
    found = identity(tmp_path).credentials(POD, lambda: 1_000.0)
    assert found.expires > 1_000


def test_keys_are_their_owners(tmp_path: Path) -> None:
    identity(tmp_path)
    files = sorted(tmp_path.iterdir())
    assert {file.name for file in files} == {"authority.json", "token.key"}
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_another_root_makes_pods_ask_for_new_credentials(tmp_path: Path) -> None:
    found = identity(tmp_path)
    assert found.trust_revision == 0
    before = found.credentials(POD).root
    found.authority.replace(found.authority.current.prepare(self_signed("cluster.local", utc_now())))
    assert found.trust_revision == 1
    after = found.credentials(POD).root
    assert after.startswith(before)
    assert after != before
    assert identity(tmp_path).credentials(POD).root == after
