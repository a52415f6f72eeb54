"""A bar chart as SVG."""

from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from msgspec import Struct

_LABELS: Final = 90
_LETTER: Final = 7
_PLOT: Final = 520
_RIGHT: Final = 70
_BAR: Final = 15
_GAP: Final = 16
_TOP: Final = 62
_COLOURS: Final = ("#9aa5b1", "#1f77b4", "#2a9d5c", "#e0812d", "#8e5bb5", "#c94f5d")
_FONT: Final = "font-family='system-ui, sans-serif' font-size='12'"


class Group(Struct, frozen=True):
    """Bars that stand together: their label, and a value (or none) for each series, in the order of the series."""

    label: str
    values: tuple[float | None, ...]

    @property
    def bars(self) -> list[tuple[float, str]]:
        """The values that there are, each with the colour of its series."""
        return [(value, colour) for value, colour in zip(self.values, _COLOURS, strict=False) if value is not None]


def bar_chart(title: str, series: Sequence[str], groups: Sequence[Group], *, mark: float) -> str:
    """Returns an SVG document of horizontal bars from 0, with a line at the value `mark`.

    It draws on white, so that it can be read on a dark page too.
    """
    left = max(_LABELS, *(_LETTER * len(group.label) + _GAP for group in groups))
    width = left + _PLOT + _RIGHT
    largest = max([mark, *(value for group in groups for value, _ in group.bars)])
    height = _TOP + sum(_group_height(group) for group in groups) + 10
    body = [
        f"<text x='10' y='20' font-weight='bold'>{escape(title)}</text>",
        *_legend(series, width),
        *_bars(groups, largest, left),
        _mark_line(left + _PLOT * mark / largest, height),
    ]
    head = f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' {_FONT} role='img'>"
    return "\n".join(
        [head, f"<title>{escape(title)}</title>", "<rect width='100%' height='100%' fill='white'/>", *body, "</svg>\n"]
    )


def _group_height(group: Group) -> int:
    return _BAR * len(group.bars) + _GAP


def _legend(series: Sequence[str], width: int) -> Iterator[str]:
    step = (width - 20) // len(series)
    for place, (name, colour) in enumerate(zip(series, _COLOURS, strict=False)):
        x = 10 + place * step
        yield f"<rect x='{x}' y='32' width='11' height='11' fill='{colour}'/>"
        yield f"<text x='{x + 16}' y='42'>{escape(name)}</text>"


def _bars(groups: Sequence[Group], largest: float, left: int) -> Iterator[str]:
    y = _TOP
    for group in groups:
        middle = y + _BAR * len(group.bars) / 2 + 4
        yield f"<text x='{left - 8}' y='{middle:g}' text-anchor='end'>{escape(group.label)}</text>"
        for value, colour in group.bars:
            width = _PLOT * value / largest
            yield f"<rect x='{left}' y='{y}' width='{width:.1f}' height='{_BAR - 2}' fill='{colour}'/>"
            yield f"<text x='{left + width + 5:.1f}' y='{y + 11}'>{value:.2f}</text>"
            y += _BAR
        y += _GAP


def _mark_line(x: float, height: int) -> str:
    return f"<line x1='{x:.1f}' y1='{_TOP - 6}' x2='{x:.1f}' y2='{height - 10}' stroke='#333' stroke-dasharray='3 3'/>"
