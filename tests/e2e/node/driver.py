"""Runs one node process for the tests that kill it: `driver.py SETTINGS`, settings as JSON."""

import asyncio
import contextlib
import sys
from pathlib import Path

import msgspec

from weft.node.agent import run_node
from weft.node.settings import NodeSettings


def main() -> None:
    settings = msgspec.json.decode(
        sys.argv[1], type=NodeSettings, dec_hook=lambda kind, text: Path(text) if kind is Path else kind(text)
    )
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run_node(settings))


main()
