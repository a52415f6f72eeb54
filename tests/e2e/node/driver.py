"""Runs one node process for the tests that kill it: `driver.py SETTINGS`, settings as JSON."""

import asyncio
import contextlib
import sys
from pathlib import Path

import msgspec

from weft.node.agent import run_node
from weft.node.settings import Backoff, LogLimits, NodeSettings


def main() -> None:
    told = msgspec.json.decode(sys.argv[1])
    settings = NodeSettings(
        mesh=told["mesh"],
        state=Path(told["state"]),
        controller=Path(told["controller"]),
        hidden=Path(told["hidden"]),
        search_path=told["search_path"],
        backoff=msgspec.convert(told["backoff"], Backoff),
        logs=msgspec.convert(told["logs"], LogLimits),
    )
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run_node(settings))


main()
