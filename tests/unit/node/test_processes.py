"""weft.node.processes: a record means one process for ever."""

import os
import signal
import subprocess

import pytest
from msgspec.structs import replace

from weft.node.processes import ChildProcess, adopt, is_alive, kill_members, record_of
from weft.node.procfs import namespace_inode


def sleeper(*command: str) -> int:
    return os.posix_spawnp("sh", ["sh", "-c", " ".join(command) or "exec sleep 60"], os.environ)


async def test_a_childs_status_is_what_a_shell_says() -> None:
    for command, status in (("exit 3", 3), ("kill -TERM $$", 128 + 15)):
        pid = sleeper("sleep 0.1;", command)
        process = ChildProcess(record_of(pid), os.pidfd_open(pid), ours=True)
        assert await process.wait() == status
        assert await process.wait() == status
        process.signal(signal.SIGTERM)


def orphan() -> int:
    """A process that is not our child, and so not ours to reap."""
    done = subprocess.run(
        ["sh", "-c", "sleep 60 >/dev/null 2>&1 & echo $!"], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


def end(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


async def test_an_adopted_process_is_watched_but_its_status_is_unknown() -> None:
    process = adopt(record_of(orphan()))
    assert process is not None
    process.signal(signal.SIGKILL)
    assert await process.wait() is None


async def test_another_process_of_the_same_id_is_not_adopted() -> None:
    pid = sleeper()
    record = record_of(pid)
    for other in (
        replace(record, started=record.started + 1),
        replace(record, boot="another"),
        replace(record, mounts=record.mounts + 1),
    ):
        assert adopt(other) is None
        assert not is_alive(replace(record, started=1))
    assert is_alive(record)
    end(pid)
    assert not is_alive(record)
    assert adopt(record) is None


def test_our_own_namespaces_are_never_cleared() -> None:
    with pytest.raises(ValueError, match="our own"):
        kill_members(namespace_inode("self", "net"))
    with pytest.raises(ValueError, match="our own"):
        kill_members(namespace_inode("self", "net"), namespace_inode("self", "mnt"))
