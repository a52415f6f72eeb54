"""Keys on disk are private, whole, and refused where others could have read them."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from weft.identity.authority import new_authority
from weft.identity.keys import key_pem
from weft.identity.signer import AuthorityError, dump_signer, self_signed
from weft.serve.ca.store import (
    load_authority,
    load_or_create_key,
    load_plugged_in,
    read_private,
    save_authority,
    write_private,
)

NOW = datetime(2030, 1, 1, tzinfo=UTC)
SIGNER = self_signed("td", NOW)


def test_an_authority_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    path = tmp_path / "authority.json"
    assert load_authority(path, NOW) is None
    rotating = new_authority("td", SIGNER).prepare(self_signed("td", NOW))
    save_authority(path, rotating)
    loaded = load_authority(path, NOW)
    assert loaded is not None
    assert loaded.roots == rotating.roots
    assert loaded.standby is not None
    assert key_pem(loaded.signer.issuer.key) == key_pem(SIGNER.issuer.key)
    assert path.stat().st_mode & 0o777 == 0o600


def test_files_of_secrets_are_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write_private(tmp_path / "key", b"1")
        load_or_create_key(tmp_path / "token-key.pem")
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "key"
    write_private(path, b"1")
    path.chmod(mode)
    with pytest.raises(PermissionError, match="chmod 600"):
        read_private(path)


def test_a_failing_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "key"
    write_private(path, b"old")

    def fail(_: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        write_private(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("content", [b"", b"{}", b"nonsense", b'{"trust_domain": "td"}'])
def test_a_broken_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "authority.json"
    write_private(path, content)
    with pytest.raises(AuthorityError, match=r"authority\.json"):
        load_authority(path, NOW)


def plug_in(folder: Path) -> None:
    files = dump_signer(SIGNER)
    write_private(folder / "ca-key.pem", files.ca_key)
    (folder / "ca-cert.pem").write_bytes(files.ca_cert)
    (folder / "root-cert.pem").write_bytes(files.root_cert)


def test_an_authority_in_istio_s_files_is_loaded(tmp_path: Path) -> None:
    plug_in(tmp_path)
    assert load_plugged_in(tmp_path, NOW).root == SIGNER.root


@pytest.mark.parametrize("missing", ["ca-key.pem", "ca-cert.pem", "root-cert.pem"])
def test_a_missing_file_is_named(tmp_path: Path, missing: str) -> None:
    plug_in(tmp_path)
    (tmp_path / missing).unlink()
    with pytest.raises(AuthorityError, match=missing):
        load_plugged_in(tmp_path, NOW)


def test_the_token_key_is_made_once(tmp_path: Path) -> None:
    path = tmp_path / "token-key.pem"
    assert key_pem(load_or_create_key(path)) == key_pem(load_or_create_key(path))
