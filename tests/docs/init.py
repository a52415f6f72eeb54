"""The first process of a test's machine: mounts what must not be the real machine's, then looks after orphans.

It runs in new network, mount and process namespaces, and is given no argument. It says `ready` on standard output, and
ends when its standard input does: with it ends every other process of the machine.
"""

import os
import select
import subprocess
import sys
from pathlib import Path

_OWN_FOLDERS = ("/run", "/var/lib")
"""An ordinary user can make no folder in those of the real machine."""
_MADE = ("/run/netns", "/var/lib/weft")
_LOOK = 0.2


def main() -> None:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for folder in _OWN_FOLDERS:
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], check=True)
    for folder in _MADE:
        Path(folder).mkdir()
    print("ready", flush=True)
    while not (select.select([sys.stdin], [], [], _LOOK)[0] and not os.read(sys.stdin.fileno(), 1)):
        _bury()


def _bury() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


if __name__ == "__main__":
    main()
