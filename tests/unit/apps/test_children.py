"""weft.apps.children: children are kept running; the end of a vital one is the end of everything."""

import asyncio
import sys
from pathlib import Path

import pytest

from weft.apps import children
from weft.apps.children import Child, ChildFailedError, Keeper
from weft.apps.endings import until_signal


def program(text: str) -> tuple[str, ...]:
    return (sys.executable, "-S", "-c", text)


async def never() -> int:
    await asyncio.Event().wait()
    return 0


async def test_a_child_that_ends_is_started_again_with_its_command_of_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(children, "_FIRST_PAUSE", 0.01)
    commands = iter([program("raise SystemExit(1)"), program("print('again', flush=True); input()")])
    log = tmp_path / "child.log"
    async with asyncio.timeout(20), Keeper() as keeper:
        keeper.start(Child("child", lambda: next(commands), log))
        while not log.exists() or "again" not in log.read_text():  # noqa: ASYNC110 - the log is a file
            await asyncio.sleep(0.01)
        assert not keeper.failure.done()


async def test_the_last_words_of_a_vital_child_are_the_error(tmp_path: Path) -> None:
    child = Child("inside", lambda: program("raise SystemExit('error: no room')"), tmp_path / "log", vital=True)
    async with asyncio.timeout(20), Keeper() as keeper:
        keeper.start(child)
        with pytest.raises(ChildFailedError, match=r"^no room$"):
            await until_signal(never(), keeper.failure)


async def test_a_vital_child_that_is_killed_is_only_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(children, "_FIRST_PAUSE", 0.01)
    text = "import os, signal; print('begun', flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    log = tmp_path / "log"
    async with asyncio.timeout(20), Keeper() as keeper:
        keeper.start(Child("inside", lambda: program(text), log, vital=True))
        while not log.exists() or log.read_text().count("begun") < 2:  # noqa: ASYNC110 - the log is a file
            await asyncio.sleep(0.01)
        assert not keeper.failure.done()


async def test_children_find_what_is_added_to_their_environment(tmp_path: Path) -> None:
    log = tmp_path / "log"
    text = "import os, time; print(os.environ['WEFT_PROCESS'], flush=True); time.sleep(60)"
    async with asyncio.timeout(20), Keeper({"WEFT_PROCESS": "weft-x/weft"}) as keeper:
        keeper.start(Child("child", lambda: program(text), log))
        while not log.exists() or "weft-x/weft" not in log.read_text():  # noqa: ASYNC110 - the log is a file
            await asyncio.sleep(0.01)
