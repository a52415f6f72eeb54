"""A real Envoy for tests, with a static configuration made of built resources."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Json = dict[str, Any]

ENVOY = Path(sys.executable).parent / "envoy"


class Envoy:
    """A running Envoy; `log` is the file that holds its output."""

    def __init__(self, folder: Path) -> None:
        self.admin = folder / "admin.sock"
        self.log = folder / "envoy.log"

    def ask(self, path: str, method: str = "GET") -> tuple[int, str]:
        """Returns the answer of the admin interface, status first."""
        connection = _UnixConnection(str(self.admin))
        try:
            connection.request(method, path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def lines(self) -> list[str]:
        """Returns its output so far."""
        return self.log.read_text().splitlines()

    def wait_ready(self, seconds: float = 20) -> None:
        """Waits until it serves; fails with its output after a while."""
        self.wait_for(lambda: self.ask("/ready")[0] == 200, seconds)

    def wait_for(self, condition: Any, seconds: float = 20) -> None:
        """Waits until a condition holds."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                if condition():
                    return
            except OSError:
                pass
            time.sleep(0.05)
        raise TimeoutError("\n".join(self.lines()[-40:]))


@contextmanager
def running(folder: Path, bootstrap: Json, *arguments: str, ready: bool = True) -> Iterator[Envoy]:
    """Runs Envoy until the block ends."""
    envoy = Envoy(folder)
    bootstrap = {"admin": {"address": {"pipe": {"path": str(envoy.admin)}}}, **bootstrap}
    configuration = folder / "bootstrap.json"
    configuration.write_text(json.dumps(bootstrap))
    common = ("--disable-hot-restart", "--concurrency", "1", "--file-flush-interval-msec", "50", "-l", "warning")
    with envoy.log.open("w") as output:
        command = [str(ENVOY), "-c", str(configuration), *common, *arguments]
        process = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)
        try:
            if ready:
                envoy.wait_ready()
            yield envoy
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("admin", timeout=5)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)
