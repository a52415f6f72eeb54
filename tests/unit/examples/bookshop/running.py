"""Runs the bookshop's services for real, on ports of the loopback interface."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple

import weft
from weft.examples.bookshop.bookshop.messages import Reply, Request
from weft.examples.bookshop.bookshop.serving import Server
from weft.examples.bookshop.bookshop.web import HttpConnection, Service

FOLDER = Path(weft.__file__).parent / "examples" / "bookshop"
LISTENS = re.compile(r"listens on 127\.0\.0\.1:(\d+)")


class Answer(NamedTuple):
    """An HTTP answer, read to its end."""

    status: int
    headers: dict[str, str]
    text: str


class Running(NamedTuple):
    """A service that runs as a process, and where its output goes."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str, method: str = "GET", **headers: str) -> Answer:
        return get(self.port, path, method, **headers)


Start = Callable[..., Running]


def get(port: int, path: str, method: str = "GET", **headers: str) -> Answer:
    """One request. Underscores in the names of headers stand for dashes."""
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        return Answer(response.status, dict(response.getheaders()), response.read().decode())
    finally:
        connection.close()


@contextmanager
def serving(application: Callable[[Request], Reply], name: str = "test", address: str = "127.0.0.1") -> Iterator[int]:
    """An application served by a thread of this process; gives its port."""
    handler = type("Handler", (HttpConnection,), {"service": Service(name, "v1", application)})
    server = Server((address, 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.drain(1)
        thread.join()


def launch(folder: Path, module: str, environment: dict[str, str]) -> tuple[subprocess.Popen[bytes], Path]:
    log = folder / f"{module}-{len(list(folder.iterdir()))}.log"
    defaults = {"PATH": os.environ["PATH"], "BIND": "127.0.0.1", "PORT": "0", "LINGER_SECONDS": "0"}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", f"bookshop.{module}"],
            cwd=FOLDER,
            env=defaults | environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    return process, log


def wait_for_port(process: subprocess.Popen[bytes], log: Path) -> int:
    pause = threading.Event()
    for _ in range(1_000):
        if found := LISTENS.search(log.read_text()):
            return int(found[1])
        if process.poll() is not None:
            break
        pause.wait(0.01)
    raise AssertionError(f"{process.args!r} does not listen:\n{log.read_text()}")
