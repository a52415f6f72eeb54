"""Sockets in the network namespace of others: a child process steps in there, makes them and hands them over.

A process with threads can't step into a user namespace (setns(2)), and nobody gets out of one again: so it is a child
that was forked before there were threads. A socket stays in the namespace that it was made in, whoever uses it.
"""

import contextlib
import ctypes
import os
import socket
from collections.abc import Iterator
from typing import Final

_CLONE_NEWUSER: Final = 0x10000000
_CLONE_NEWNET: Final = 0x40000000
_STEPS: Final = (("user", _CLONE_NEWUSER), ("net", _CLONE_NEWNET))
_FAMILIES: Final = {b"4": socket.AF_INET, b"6": socket.AF_INET6}
_FAILED: Final = 1


class SocketMaker:
    """The child. It ends with us: then its end of the channel is the last one."""

    def __init__(self, pid: int, channel: socket.socket) -> None:
        self.pid: Final = pid
        self._channel = channel

    def make(self, address: str) -> socket.socket:
        """A TCP socket in the other namespace, for an address of this family. Raises OSError once the child has
        ended."""
        self._channel.send(b"6" if ":" in address else b"4")
        _, descriptors, _, _ = socket.recv_fds(self._channel, 1, 1)
        if not descriptors:
            raise ConnectionError("the process that makes sockets has ended")
        return socket.socket(fileno=descriptors[0])


@contextlib.contextmanager
def socket_maker(target: int) -> Iterator[SocketMaker]:
    """A maker of sockets where the process `target` is. No thread may have been started before."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    child = os.fork()
    if child == 0:
        ours.close()
        _serve(target, theirs)
    theirs.close()
    try:
        yield SocketMaker(child, ours)
    finally:
        ours.close()
        os.waitpid(child, 0)


def _serve(target: int, channel: socket.socket) -> None:
    """The child's life. It never returns into the program that it was forked from."""
    try:
        _step_into(target)
        while wish := channel.recv(1):
            with socket.socket(_FAMILIES[wish], socket.SOCK_STREAM) as made:
                socket.send_fds(channel, [wish], [made.fileno()])
    finally:
        os._exit(_FAILED)


def _step_into(target: int) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    descriptors = [os.open(f"/proc/{target}/ns/{name}", os.O_RDONLY | os.O_CLOEXEC) for name, _ in _STEPS]
    for descriptor, (_, kind) in zip(descriptors, _STEPS, strict=True):
        if library.setns(descriptor, kind):
            number = ctypes.get_errno()
            raise OSError(number, f"setns: {os.strerror(number)}")
