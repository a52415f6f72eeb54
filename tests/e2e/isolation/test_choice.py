"""What a machine allows is found by trying, quickly, without a trace, and said in words."""

import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from msgspec import Struct
from tests.e2e.isolation.users import User, output

_PROBE = """
import json, time
from weft.node.choice import choose
from weft.node.isolation_probes import machine_probes
started = time.monotonic()
choice = choose("auto", machine_probes())
seconds = time.monotonic() - started
print(json.dumps({"isolation": choice.isolation, "refused": dict(choice.refused), "seconds": seconds}))
"""
_NO_USER_NAMESPACES = """
import os, subprocess, sys
limit = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"'
wait = ["sh", "-c", 'read -r _ && exec "$@"', "sh"]  # it is nobody until there is a map, and root afterwards
command = ["unshare", "--user", "--", *wait, "sh", "-c", limit, "sh", *sys.argv[1:]]
inner = subprocess.Popen(command, stdin=subprocess.PIPE)
while os.readlink(f"/proc/{inner.pid}/ns/user") == os.readlink("/proc/self/ns/user"):
    pass
for kind in ("uid_map", "gid_map"):
    with open(f"/proc/{inner.pid}/{kind}", "w") as file:
        file.write("0 0 65536")
inner.communicate(b"go\\n")
sys.exit(inner.returncode)
"""


class Found(Struct):
    """What the probes said."""

    isolation: str
    refused: dict[str, str]
    seconds: float


def found(command: Sequence[str]) -> Found:
    return msgspec.json.decode(output(list(command)), type=Found)


@pytest.mark.isolation("netns")
def test_root_gets_network_namespaces(user: User) -> None:
    choice = found([*user.machine, *user.environment({}), user.python, "-c", _PROBE])
    assert (choice.isolation, choice.refused) == ("netns", {})


@pytest.mark.isolation("userns")
def test_an_ordinary_user_gets_namespaces_of_his_own(user: User) -> None:
    pins, links = sorted(Path("/run/netns").glob("*")), output(user.command("ip", "link", "show"))
    choice = found(user.command(user.python, "-c", _PROBE))
    assert choice.isolation == "userns"
    assert choice.refused == {"netns": "network namespaces take root"}
    assert output(user.command("ip", "link", "show")) == links
    assert [pin for pin in pins if pin.name.startswith("weft0")] == []


@pytest.mark.isolation("userns")
def test_it_is_quick(user: User) -> None:
    """The best of three: the machine may have other things to do."""
    seconds = []
    for _ in range(3):
        seconds.append(found(user.command(user.python, "-c", _PROBE)).seconds)
        time.sleep(0.1)
    assert min(seconds) < 0.5


@pytest.mark.isolation("netns")
def test_where_user_namespaces_are_off_the_setting_is_named(user: User) -> None:
    become = user.command(user.python, "-c", _PROBE)[len(user.machine) :]
    choice = found([*user.machine, "python3", "-c", _NO_USER_NAMESPACES, *become])
    assert choice.isolation == "loopback"
    assert choice.refused == {
        "netns": "network namespaces take root",
        "userns": "user namespaces are off: sysctl user.max_user_namespaces is 0",
    }


@pytest.mark.isolation("netns")
def test_root_without_its_capabilities_is_told_so(user: User) -> None:
    drop = ("setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin")
    choice = found([*user.machine, *drop, *user.environment({}), user.python, "-c", _PROBE])
    assert choice.isolation in ("userns", "loopback")
    assert "as in a container without CAP_SYS_ADMIN" in choice.refused["netns"]


def test_a_named_isolation_that_does_not_work_ends_with_the_reason(user: User, tmp_path: Path) -> None:
    folder = user.home / "empty"
    folder.mkdir(exist_ok=True)
    vector = user.weft("up", "--isolation", "netns", "--state-dir", str(user.home / "none"), str(folder))
    output(vector, code=1)
    assert not (user.home / "none").exists()
