"""Patterns of image names. Pure."""

from collections.abc import Iterable


def best_pattern(image: str, patterns: Iterable[str]) -> str | None:
    """The pattern that fits an image best; None if none fits.

    A pattern without `*` wins, then the one with the most other characters, then the first by name.
    """
    fitting = [pattern for pattern in patterns if matches(pattern, image)]
    return min(fitting, key=lambda p: ("*" in p, -len(p.replace("*", "")), p), default=None)


def matches(pattern: str, image: str) -> bool:
    """Whether a pattern fits an image's name; `*` stands for any text without a `/`."""
    name = image if _has_version(pattern) else _without_version(image)
    return _fits(pattern, name)


def _has_version(pattern: str) -> bool:
    last = pattern.rpartition("/")[2]
    return ":" in last or "@" in last


def _without_version(image: str) -> str:
    path, slash, last = image.rpartition("/")
    return path + slash + last.partition("@")[0].partition(":")[0]


def _fits(pattern: str, text: str) -> bool:
    """Glob matching in time proportional to the product of both lengths: what one text can do is bounded."""
    reached = {0}
    for character in pattern:
        if character == "*":
            reached = {end for start in reached for end in range(start, _segment_end(text, start) + 1)}
        else:
            reached = {at + 1 for at in reached if at < len(text) and text[at] == character}
    return len(text) in reached


def _segment_end(text: str, start: int) -> int:
    slash = text.find("/", start)
    return len(text) if slash < 0 else slash
