"""The socket of the API: only its owner's, and replaced when a killed process left it."""

import os
import socket
import stat
from pathlib import Path

from starlette.applications import Starlette

from weft.cli.unix_http import NobodyListensError, Request, ask
from weft.serve.http.server import serving


async def test_the_socket_is_its_owners_and_goes_with_the_server(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    async with serving(Starlette(), path):
        mode = path.stat().st_mode
        assert stat.S_ISSOCK(mode)
        assert stat.S_IMODE(mode) == 0o600
    assert not path.exists()


async def test_a_socket_that_was_left_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(path))
    left.close()
    async with serving(Starlette(), path):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))


async def test_a_path_may_be_longer_than_an_address(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 100) / ("y" * 100)
    folder.mkdir(parents=True)
    async with serving(Starlette(), folder / "socket"):
        assert (folder / "socket").exists()


async def test_the_umask_stays_as_it_was(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        async with serving(Starlette(), tmp_path / "socket"):
            assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)


def test_where_nobody_listens_nobody_answers(tmp_path: Path) -> None:
    try:
        ask(tmp_path / "socket", Request("/"))
    except NobodyListensError:
        return
    raise AssertionError
