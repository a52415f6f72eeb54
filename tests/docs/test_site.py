"""The pages as a site: it builds, every page is in its contents, and every link leads somewhere."""

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.docs.pages import DOCS, ROOT, fences

PAGES = [*(ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md")), *sorted(DOCS.rglob("*.md"))]
LANGUAGES = {"console", "python", "text", "yaml"}

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (.*)$", re.MULTILINE)
_FENCED = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
_MARKUP = re.compile(r"[`*]|\[([^]]*)\]\([^)]*\)")
_LOADED = re.compile(r'<(script|link|img)[^>]+(src|href)="https?://')
_MACHINE = re.compile(r"/work\b|/root\b|/tmp/|\blocalhost\.localdomain\b")


def prose(path: Path) -> str:
    """A page without its blocks."""
    return _FENCED.sub("", path.read_text())


def anchors(path: Path) -> set[str]:
    """What links can name inside of a page."""
    found = _HEADING.findall(_FENCED.sub("", path.read_text()))
    return {slug(_MARKUP.sub(r"\1", heading)) for heading in found}


def slug(heading: str) -> str:
    """The name of a heading, as GitHub and the site make it."""
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower())


def links(path: Path) -> Iterator[str]:
    """Links to other files or places of the repository."""
    return (link for link in _LINK.findall(prose(path)) if "://" not in link)


def contents(entries: list[Any]) -> Iterator[str]:
    """The files that the site's navigation names."""
    for entry in entries:
        for value in entry.values() if isinstance(entry, dict) else [entry]:
            yield from contents(value) if isinstance(value, list) else [value]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(page):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), f"{link}: there is no {name}"
        assert target.is_relative_to(ROOT), f"{link} leads out of the repository"
        if anchor:
            assert anchor in anchors(target), f"{link}: there is no such heading"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_pages_are_written_alike(page: Path) -> None:
    text = page.read_text()
    assert re.search(r"^# \S", text, re.MULTILINE), "it has no title"
    assert {fence.language for fence in fences(text)} <= LANGUAGES
    assert not _MACHINE.search(text), "it names a place of somebody's machine"


def test_commands_that_are_not_run_say_why_and_are_few() -> None:
    left_out = [fence for page in PAGES for fence in fences(page.read_text()) if "norun" in fence.attributes]
    assert all(fence.attributes["norun"] for fence in left_out)
    assert len(left_out) <= 6


def test_every_page_is_in_the_contents() -> None:
    settings = tomllib.loads((ROOT / "zensical.toml").read_text())
    assert set(contents(settings["project"]["nav"])) == {str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md")}


def test_the_site_builds_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    shutil.copy(ROOT / "zensical.toml", tmp_path)
    shutil.copytree(DOCS, tmp_path / "docs")
    command = [sys.executable, "-m", "zensical", "build", "--strict"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    made = {path.name: path.read_text() for path in (tmp_path / "site").rglob("*.html")}
    assert "v1: hello, spiffe://cluster.local/ns/default/sa/front" in made["first-mesh.html"]
    assert not [name for name, text in made.items() if "```" in text], "a block is not understood"
    assert not [name for name, text in made.items() if _LOADED.search(text)]
