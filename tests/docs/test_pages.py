"""What pages tell their readers to type works, and says what they promise."""

import shutil
import time
from pathlib import Path
from typing import Any, Final

import pytest
from tests.docs.machine import Answer, Machine
from tests.docs.matching import difference
from tests.docs.pages import DOCS, ROOT, Command, File, Page, read_page
from tests.isolation import LEVELS

PATIENCE: Final = 15.0
"""Seconds until the mesh does what a page says; what is promised to take effect at once takes long where two share a
machine with others."""
_CHANGING: Final = ("weft up", "weft down", "weft apply", "weft delete", "weft label", "kill", "cp", "rm")
"""Commands that say something else when they are run again."""


def pages() -> list[Page]:
    """All pages that have something to type."""
    found = [read_page(path) for path in (ROOT / "README.md", *sorted(DOCS.rglob("*.md")))]
    return [page for page in found if page.commands]


def parameters() -> list[Any]:
    """Each page with the isolation that it takes."""
    return [pytest.param(page, id=page.name, marks=pytest.mark.isolation(page.isolation)) for page in pages()]


@pytest.mark.timeout(600)  # some take a minute, on a busy machine many
@pytest.mark.parametrize("page", parameters())
def test_commands_do_what_the_page_says(page: Page, tmp_path: Path, isolation: str) -> None:
    folder = tmp_path / "reader"
    if page.path.parent == ROOT:  # those are for the reader of a clone
        shutil.copytree(ROOT / "src", folder / "src")
    else:
        folder.mkdir()
    with Machine(folder) as machine:
        for step in page.steps:
            if isinstance(step, File):
                write(folder / step.name, step.text)
            elif not step.isolation or LEVELS.index(step.isolation) <= LEVELS.index(isolation):
                follow(machine, step, page)


def write(path: Path, text: str) -> None:
    """Replaces a file as editors do: whoever reads it meanwhile sees the old or the new text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    new.write_text(text)
    new.replace(path)


def follow(machine: Machine, command: Command, page: Page) -> None:
    """Types a command; one that only looks is typed again until it sees what is promised."""
    end = time.monotonic() + PATIENCE
    problem = wrong(command, machine.run(command.text))
    while problem and not command.text.startswith(_CHANGING) and time.monotonic() < end:
        time.sleep(0.3)
        problem = wrong(command, machine.run(command.text))
    if problem:
        logs = machine.run("cd /; tail -n 20 /var/lib/weft/*/logs/*.log").output
        pytest.fail(f"{page.name}:{command.line}: $ {command.text}\n{problem}\n{logs}", pytrace=False)


def wrong(command: Command, answer: Answer) -> str:
    """What is wrong with an answer; empty if nothing is."""
    if answer.code != command.exit:
        return f"exit code {answer.code}, not {command.exit}:\n{answer.output}"
    problem = difference(command.output, answer.output, within=command.within)
    return f"{problem}\nin the output\n{answer.output}" if problem else ""
