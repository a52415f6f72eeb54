"""The command `weft demo`."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from pathlib import Path
from typing import Any, Final

import click
from msgspec import Struct
from rich.console import Console
from rich.text import Text

from weft.apps.claim import claimed
from weft.apps.demo.example import GATEWAY_PORT, copy_example, packaged_example
from weft.apps.demo.former import MAKER, require_own
from weft.apps.demo.hints import hints, weft_command
from weft.apps.demo.news import tell_news
from weft.apps.demo.ports import require_free
from weft.apps.demo.report import WIDTH, show_report
from weft.apps.demo.steps import shown_steps
from weft.apps.demo.tour import take_tour
from weft.apps.failures import mesh_failures
from weft.apps.supervisor import remove_claimed, run_claimed
from weft.apps.up_options import UpOptions, chosen_isolation, isolation_option
from weft.base.places import Places
from weft.cli.errors import FAILED, INTERRUPTED
from weft.cli.options import chosen_places, mesh_options
from weft.node.choice import Wanted
from weft.node.limits import introduction

_MESH: Final = "demo"
_WELCOME: Final = "A bookshop of five services, a gateway before it, and two callers that should not get far.\n"
_PORTS: Final = click.IntRange(1, 65535)
_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER: Final = click.Path(exists=True, file_okay=False, path_type=Path)


class DemoOptions(Struct, frozen=True, kw_only=True):
    """What was asked for. `weft` is how commands of this mesh begin; `stay` is whether it stays up for the user."""

    places: Places
    example: Path
    weft: str
    port: int
    patience: float
    stay: bool
    keep: bool
    envoy: Path | None
    isolation: Wanted

    @property
    def folder(self) -> Path:
        """The copy of the example that runs."""
        return self.places.state / "bookshop"


@click.command()
@click.option(
    "--port", type=_PORTS, default=GATEWAY_PORT, show_default=True, help="The gateway's port of this machine."
)
@click.option("--check", is_flag=True, help="Don't stay up: exit with 0 if all is as it should be, else with 1.")
@click.option("--keep", is_flag=True, help="Leave pods, Envoys and all files at the end, for debugging.")
@click.option("--envoy", type=_FILE, help="Envoy's binary.")
@click.option("--timeout", type=float, default=120.0, show_default=True, help="Seconds to wait for all pods.")
@isolation_option
@click.option("--folder", type=_FOLDER, hidden=True, help="Another version of the example.")
@mesh_options
@click.pass_context
def demo(context: click.Context, /, **given: Any) -> int:
    """Run a small bookshop as a mesh of its own, and show who called whom in it, and what was refused.

    On a terminal it stays up to be tried out until Ctrl-C; elsewhere it checks itself. Nothing is left behind.
    """
    places = chosen_places(context, own=_MESH)
    options = DemoOptions(
        places=places,
        example=(given["folder"] or packaged_example()).absolute(),
        weft=weft_command(places, prefix=Path(sys.prefix), environment=os.environ, root=os.geteuid() == 0),
        port=given["port"],
        patience=given["timeout"],
        stay=sys.stdout.isatty() and not given["check"],
        keep=given["keep"],
        envoy=given["envoy"],
        isolation=given["isolation"],
    )
    console = _console()
    logging.basicConfig(level=logging.WARNING, handlers=[_ConsoleHandler(console)])
    with mesh_failures():
        return asyncio.run(_Demo(options, console).run())


def _console() -> Console:
    """What is written stays within 100 columns, on a terminal that is wider too."""
    console = Console(highlight=False, emoji=False)
    return Console(highlight=False, emoji=False, width=min(console.width, WIDTH) if console.is_terminal else WIDTH)


class _ConsoleHandler(logging.Handler):
    """Writes log records between what else is shown."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        """Writes one record."""
        self._console.print(record.getMessage(), style="yellow", markup=False, soft_wrap=True)


class _Demo:
    """One run of the demo."""

    def __init__(self, options: DemoOptions, console: Console) -> None:
        self._options = options
        self._console = console
        self._code = INTERRUPTED

    async def run(self) -> int:
        """The exit code. Raises Failure, and what `mesh_failures` takes."""
        options = self._options
        has_remains = require_own(options.places, options.weft)
        with claimed(options.places, MAKER):
            if has_remains:
                await self._clean_up()
            choice = chosen_isolation(options.isolation, options.places)
            require_free(options.port, choice.isolation)
            copy_example(options.example, options.folder, options.port)
            self._say(_WELCOME)
            for line in introduction(choice):
                self._say(line, "dim")
            up = UpOptions(
                places=options.places,
                folder=options.folder,
                isolation=choice.isolation,
                envoy=options.envoy,
                keep=options.keep,
            )
            await run_claimed(up, self._show)
        if not options.keep:
            self._say("Nothing is left of it.", "dim")
        return self._code

    async def _clean_up(self) -> None:
        self._say("A former demo was not ended: removing what it left ...")
        await remove_claimed(self._options.places)

    async def _show(self) -> int:
        options = self._options
        try:
            with shown_steps(self._console) as steps:
                seen, checks = await take_tour(options.places, steps, port=options.port, patience=options.patience)
            self._console.print()
            show_report(self._console, seen, checks)
            self._code = FAILED if any(check.problem for check in checks) else 0
            if options.stay:
                self._invite()
                await tell_news(options.places, self._console)
            return self._code
        finally:
            self._part()

    def _invite(self) -> None:
        """Says what to try. The commands are not wrapped, so that they can be copied."""
        options = self._options
        self._say(
            f"\nThe shop is open at http://bookshop.localhost:{options.port}/ (/?as=tester always gets v3).", "bold"
        )
        self._say("To try in another terminal:\n")
        for hint in hints(options.weft, options.folder):
            self._say(f"  # {hint.about}", "dim")
            self._console.print(Text(f"  {hint.command}"), soft_wrap=True)
        self._say(f"\nIts files are in {options.folder}: what you save there is in force at once.")
        self._say("Ctrl-C closes the shop and removes everything.")

    def _part(self) -> None:
        options = self._options
        if options.keep:
            self._say(f"\nPods and Envoys go on; all files are in {options.places.state}.")
            self._say(f"`{options.weft} down` removes everything, and so does the next `weft demo`.")
        else:
            self._say("\nRemoving the mesh ...", "dim")

    def _say(self, text: str, style: str = "") -> None:
        self._console.print(Text(text, style))
