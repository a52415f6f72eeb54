"""Starts the bookshop's services for a test module, and ends them with it."""

import subprocess
from collections.abc import Iterator

import pytest
from tests.unit.examples.bookshop.running import Running, Start, launch, wait_for_port


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Start a module of the bookshop with an environment; all are ended with the test module."""
    folder = tmp_path_factory.mktemp("bookshop")
    processes: list[subprocess.Popen[bytes]] = []

    def begin(module: str, **environment: str) -> Running:
        process, log = launch(folder, module, environment)
        processes.append(process)
        return Running(process, wait_for_port(process, log), log)

    yield begin
    for process in processes:
        process.kill()
        process.wait()
