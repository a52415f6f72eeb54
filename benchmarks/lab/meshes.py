"""Meshes that run for a while, and what is found in them."""

import json
import os
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.startup import PROXY, await_ready, up
from msgspec import Struct

from weft.base.places import Places
from weft.cli.node_files import PodFiles
from weft.cli.unix_http import Request, ask


class Pod(Struct, frozen=True):
    """A running pod: its address, a process in its network namespace, and its Envoy if it has one."""

    namespace: str
    name: str
    app: str
    address: str
    process: int
    envoy: int | None


class Mesh(Struct, frozen=True):
    """A running mesh: the folder that it follows, its pods, and how long it took to be ready, in seconds."""

    folder: Path
    places: Places
    seconds: float

    def pods(self) -> list[Pod]:
        """Returns all pods."""
        return [_pod(each, self.places) for each in self._items("pods")]

    def pod(self, app: str) -> Pod:
        """Returns the only pod of an application."""
        (found,) = (each for each in self.pods() if each.app == app)
        return found

    def admin_socket(self, pod: Pod) -> Path:
        """Returns the socket of the admin interface of a pod's Envoy."""
        return PodFiles(self.places, pod.namespace, pod.name).admin_socket()

    def service_address(self, name: str) -> str:
        """Returns the virtual address of a service."""
        found = next(each for each in self._items("services") if each["metadata"]["name"] == name)
        return str(found["spec"]["clusterIP"])

    def _items(self, kind: str) -> list[Any]:
        body = json.loads(ask(self.places.controller_socket, Request(f"/v1/objects/{kind}")).body)
        return list(body["items"])


@contextmanager
def running(write: Callable[[Path], None], source: Path | None = None) -> Iterator[Mesh]:
    """Runs a mesh on a network of its own, from a folder that `write` fills.

    `source` is the folder of another version of Weft's package to run it by.
    """
    with tempfile.TemporaryDirectory(prefix="weft-bench-") as name:
        place = Path(name)
        place.chmod(0o755)
        places, folder = Places(f"bench{os.getpid()}-{secrets.token_hex(2)}", place / "state"), place / "mesh"
        folder.mkdir()
        write(folder)
        started = time.monotonic()
        with up(folder, places, place / "output", source) as process:
            await_ready(process, place / "output")
            yield Mesh(folder, places, time.monotonic() - started)


def _pod(item: Any, places: Places) -> Pod:
    metadata, status = item["metadata"], item["status"]
    pids = {each["name"]: each["state"]["running"]["pid"] for each in status["containerStatuses"]}
    envoy = pids.pop(PROXY, None)
    application = min(pids.values())
    place = (metadata["namespace"], metadata["name"])
    return Pod(*place, metadata["labels"]["app"], status["podIP"], application, envoy)
