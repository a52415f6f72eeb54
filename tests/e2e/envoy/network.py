"""A network of its own for a test: no packet leaves the machine, and nothing else is met there."""

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

CLONE_NEWNET = 0x40000000
SERVICES = "10.96.0.0/16"
PODS = "10.244.0.0/16"
FROM_PROXY = "127.0.0.6"

# What redirect rules do in a pod: calls of services go to the proxy's client side, calls of pods to its server side,
# and what the server side sends to the workload goes there.
REDIRECT = f"""*nat
-A OUTPUT -p tcp -d {SERVICES} -j REDIRECT --to-ports 15001
-A OUTPUT -p tcp -d {PODS} ! -s {FROM_PROXY} -j REDIRECT --to-ports 15006
COMMIT
"""


@contextmanager
def own_network() -> Iterator[None]:
    """Moves the calling thread, and what it starts, into a new network with a loopback device and the redirects."""
    libc = ctypes.CDLL(None, use_errno=True)
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        _check(libc.unshare(CLONE_NEWNET))
        for command in (
            "ip link set lo up",
            f"ip route add local {SERVICES} dev lo",
            f"ip route add local {PODS} dev lo",
        ):
            subprocess.run(command.split(), check=True)
        subprocess.run(["iptables-restore", "-w"], input=REDIRECT, text=True, check=True)
        yield
    finally:
        _check(libc.setns(before, CLONE_NEWNET))
        os.close(before)


def _check(result: int) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
