"""Whether an isolation works on this machine: found by doing, in namespaces that end with the attempt.

A script does what a mesh needs, step by step, and says before each what comes next: so a failure can be told in words.
"""

import os
import socket
import subprocess
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from weft.model.local import Isolation
from weft.node.choice import Probe
from weft.node.settings import DEFAULT_SEARCH_PATH
from weft.node.tools import MissingToolsError, Tools, find_tools

_TIMEOUT: Final = 10.0
_START: Final = "start"
_COMPLAINT_LIMIT: Final = 300
_LOOPBACK: Final = "127.244.0.1"

_SCRIPT: Final = """\
set -eu
iptables=$1 match=$2 nft_match=$3 user=$4
echo mount; mount -t tmpfs tmpfs /run
echo namespace; unshare --net true
echo veth; ip link add weft0 type veth peer name weft1
echo bridge; ip link add weft2 type bridge
echo setting; echo 1 > /proc/sys/net/ipv4/ip_forward
if [ -n "$iptables" ]; then
echo iptables; "$iptables" --wait <<END
*nat
-A OUTPUT -p tcp $match -j RETURN
-A OUTPUT -p tcp -j REDIRECT --to-ports 1
COMMIT
END
fi
echo nft; nft -f - <<END
table ip weft {
  chain c {
    type nat hook output priority -100
    meta l4proto tcp $nft_match return
    ip daddr 192.0.2.1 dnat to 192.0.2.2
    meta l4proto tcp redirect to :1
  }
}
END
echo user
if [ -n "$user" ]; then setpriv --reuid "$user" --regid "$user" --clear-groups true; fi
echo done
"""

_STEPS: Final = {
    "mount": "file systems can't be mounted",
    "namespace": "network namespaces can't be made",
    "veth": "the kernel has no veth interfaces",
    "bridge": "the kernel has no bridges",
    "setting": "kernel settings of a network namespace can't be written",
    "iptables": "iptables rules can't be loaded",
    "nft": "nftables rules can't be loaded",
    "user": "processes can't be given to other users",
}
_SETTINGS: Final = (
    ("user/max_user_namespaces", "0", "user namespaces are off"),
    ("kernel/unprivileged_userns_clone", "0", "user namespaces are for root only"),
    ("kernel/apparmor_restrict_unprivileged_userns", "1", "AppArmor keeps ordinary users from using user namespaces"),
)
"""Kernel settings that forbid user namespaces: the path below /proc/sys, the value, and what it means."""


def machine_probes(search_path: str = DEFAULT_SEARCH_PATH) -> Mapping[Isolation, Probe]:
    """A probe of each isolation on this machine."""
    return {
        "netns": partial(_probe, partial(find_tools, search_path), _NETNS, _why_no_netns),
        "userns": partial(_probe, partial(find_tools, search_path, userns=True), _USERNS, _why_no_userns),
        "loopback": _probe_loopback,
    }


_NETNS: Final = (
    ("--net", "--mount", "--propagation", "private"),
    ("-m owner --uid-owner 1337", "meta skuid 1337", "1337"),
)
_USERNS: Final = (
    ("--user", "--map-root-user", "--net", "--mount", "--propagation", "private"),
    ("-m mark --mark 0x539", "meta mark 0x539", ""),
)
_Attempt = tuple[tuple[str, ...], tuple[str, str, str]]
"""The namespaces to try; what tells Envoy's traffic there, for iptables and for nft, and a user to become."""


def _probe(find: Callable[[], Tools], attempt: _Attempt, explain: Callable[[str], str]) -> str | None:
    try:
        tools = find()
    except MissingToolsError as error:
        return str(error)
    namespaces, parameters = attempt
    iptables = tools.paths.get("iptables-restore", "")  # without it, nft does all
    script = [tools["sh"], "-c", _SCRIPT, "weft-probe", iptables, *parameters]
    folders = dict.fromkeys(str(Path(path).parent) for path in tools.paths.values())
    try:
        done = subprocess.run(
            [tools["unshare"], *namespaces, "--", *script],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT,
            check=False,
            env={"PATH": os.pathsep.join(folders), "LC_ALL": "C"},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode == 0:
        return None
    said = done.stdout.decode(errors="replace").split()
    complaint = " ".join(done.stderr.decode(errors="replace").split())[:_COMPLAINT_LIMIT]
    return failure(said[-1] if said else _START, complaint, explain)


def failure(step: str, complaint: str, explain: Callable[[str], str]) -> str:
    """A failed step in words. `explain` is asked where the namespaces themselves are the problem."""
    what = explain(complaint) if step == _START else _STEPS.get(step, step)
    return f"{what} ({complaint})" if complaint and step != _START else what


def _why_no_netns(complaint: str) -> str:
    if os.geteuid() != 0:
        return "network namespaces take root"
    return f"root may make no network namespaces here, as in a container without CAP_SYS_ADMIN ({complaint})"


def _why_no_userns(complaint: str) -> str:
    return forbidding_setting(_kernel_setting) or f"user namespaces can't be made here ({complaint})"


def forbidding_setting(read: Callable[[str], str]) -> str:
    """The kernel setting that forbids user namespaces, in words; empty if none does. `read` gives the value of one by
    its path below /proc/sys, empty if there is none."""
    for path, value, meaning in _SETTINGS:
        if read(path) == value:
            return f"{meaning}: sysctl {path.replace('/', '.')} is {value}"
    return ""


def _kernel_setting(path: str) -> str:
    try:
        return Path("/proc/sys", path).read_text().strip()
    except OSError:
        return ""


def _probe_loopback() -> str | None:
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as made:
            made.bind((_LOOPBACK, 0))
    except OSError as error:
        return f"nobody can listen on {_LOOPBACK}: {error.strerror}"
    return None
