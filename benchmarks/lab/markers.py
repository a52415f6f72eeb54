"""Where figures are in a page of the documentation: between two markers, of which each benchmark has its own."""

from pathlib import Path
from typing import Final

PAGE: Final = Path(__file__).resolve().parents[2] / "docs/operations/performance.md"
ASSETS: Final = PAGE.parents[1] / "assets"
END: Final = "<!-- end of figures -->"
_ANY: Final = "<!-- figures:"


def begin(benchmark: str) -> str:
    """Returns the marker before the figures of a benchmark."""
    return f"<!-- figures: made by `./dev bench {benchmark} --write-docs` -->"


def with_figures(page: str, benchmark: str, figures: str) -> str:
    """Returns a page with the text behind a benchmark's marker replaced, up to the end marker that follows.

    Raises ValueError if they are not there, or the first one more than once.
    """
    marker = begin(benchmark)
    before, _, rest = page.partition(marker)
    old, end, after = rest.partition(END)
    if page.count(marker) != 1 or not end or _ANY in old:
        raise ValueError(f"the page must have {marker!r} once and, after it, {END!r}")
    return f"{before}{marker}\n\n{figures.strip()}\n\n{END}{after}"
