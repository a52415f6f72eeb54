"""weft.node.users, marks: who we are to the machine, and whose a process is."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from weft.node.marks import by_tag
from weft.node.processes import kill_tagged, record_of
from weft.node.users import outside, own_account


@pytest.mark.parametrize(
    ("number", "number_map", "expected"),
    [
        (0, "         0       4242          1\n", 4242),
        (0, "0 0 4294967295\n", 0),
        (1000, "0 100000 65536\n", 101000),
        (7, "0 4242 1\n5 500 10\n", 502),
        (9, "0 4242 1\n", 9),
    ],
)
def test_a_user_is_told_by_the_map_of_his_namespace(number: int, number_map: str, expected: int) -> None:
    assert outside(number, number_map) == expected


def test_without_a_user_namespace_we_are_who_we_are() -> None:
    assert own_account().home.startswith("/")
    if Path("/proc/self/uid_map").read_text().split() == ["0", "0", "4294967295"]:
        assert (own_account().user, own_account().group) == (os.getuid(), os.getgid())


@pytest.fixture
def tagged() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "60"], env={"WEFT_PROCESS": "weft-test-x/pod/app"})
    yield process
    process.kill()
    process.wait()


def test_a_process_is_known_by_its_tag(tagged: subprocess.Popen[bytes]) -> None:
    recognized = by_tag("weft-test-x")(tagged.pid)
    assert recognized == record_of(tagged.pid, "weft-test-x/pod/app")
    assert by_tag("weft-test")(tagged.pid) is None
    assert by_tag("weft-test-x")(os.getpid()) is None


def test_processes_of_other_tags_are_left_alone(tagged: subprocess.Popen[bytes]) -> None:
    kill_tagged("weft-test-x/pod")
    assert tagged.poll() is None
    kill_tagged("weft-test-x/pod/app")
    assert tagged.wait(5) == -9
    with pytest.raises(ValueError, match="no tag"):
        kill_tagged("")
