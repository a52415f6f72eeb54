"""weft.node.loopback_chain: a process without namespaces, started by the same words as every other."""

import os
import subprocess
from pathlib import Path

import pytest
from msgspec.structs import replace

from weft.node.launch import GO, READY, Launch, LaunchError
from weft.node.loopback_chain import LoopbackChain
from weft.node.processes import record_of
from weft.node.tools import find_plain_tools

TAG = "weft-demo-0123/abcdef/app"
LAUNCH = Launch(
    command=("/bin/sh", "-c", 'printf "%s|" "$PWD" "$A" "$WEFT_PROCESS"; ls'),
    folder="/",
    user=None,
    group=None,
    hidden="/var/lib/weft",
    mark="weft-demo-0123",
    environment=(("A", "$(reboot) \n'\""), ("PATH", "/usr/bin:/bin")),
    tag=TAG,
)


@pytest.fixture
def chain() -> LoopbackChain:
    return LoopbackChain(find_plain_tools("/usr/bin:/bin"))


def test_it_waits_for_its_word_and_then_becomes_the_command(chain: LoopbackChain, tmp_path: Path) -> None:
    (tmp_path / "binary").touch()
    folder = tmp_path / "a $(reboot)"
    folder.mkdir()
    (folder / "envoy").touch()
    launch = replace(LAUNCH, folder=str(folder), mounts=((str(tmp_path / "binary"), str(folder / "envoy")),))
    with subprocess.Popen(
        chain.start(launch), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == READY
        said, _ = process.communicate(GO)
    assert said.decode() == f"{folder}|$(reboot) \n'\"|{TAG}|envoy\n"
    assert (folder / "envoy").resolve() == (tmp_path / "binary").resolve()


def test_it_ends_if_nobody_lets_it_go(chain: LoopbackChain) -> None:
    done = subprocess.run(chain.start(LAUNCH), input=b"", capture_output=True, check=False)
    assert (done.returncode != 0, done.stdout) == (True, b"")


def test_a_command_runs_in_the_same_folder_and_environment(chain: LoopbackChain, tmp_path: Path) -> None:
    launch = replace(LAUNCH, folder=str(tmp_path))
    vector = chain.execute(record_of(os.getpid()), launch, ("/bin/sh", "-c", 'echo "$PWD $WEFT_PROCESS"'))
    assert subprocess.run(vector, capture_output=True, check=True, text=True).stdout == f"{tmp_path} {TAG}\n"


@pytest.mark.parametrize(
    "change",
    [
        {"namespace": "/run/netns/x"},
        {"user": 1000},
        {"tag": ""},
        {"mounts": (("/a", "/etc/hosts"),)},
    ],
)
def test_what_takes_namespaces_or_another_user_is_refused(chain: LoopbackChain, change: dict[str, object]) -> None:
    with pytest.raises(LaunchError):
        chain.start(replace(LAUNCH, folder="/srv", **change))
