"""Whether a command has answered what its page promises: word for word, but for what differs from run to run."""

import re
from collections.abc import Sequence
from typing import Final

_ANYTHING: Final = "..."
_VOLATILE: Final = (
    (re.compile(r"-[0-9a-f]{10}-[a-z0-9]{5}\b"), "-POD"),  # the end of a pod's name
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "TIME"),
    (re.compile(r"\b\d+(\.\d+){3}\b"), "ADDRESS"),
    (re.compile(r"(?<![\w.-])(\d+(\.\d+)? ?(ms|s|m|h|d))+(?![\w-])"), "DURATION"),
    (re.compile(r"\b[0-9a-f]{30,}\b"), "HASH"),
)
_SPACE: Final = re.compile(r"\s+")
_NUMBER: Final = re.compile(r"\d+")


def difference(promised: Sequence[str], said: str, *, within: int = 0) -> str:
    """What is missing in the output, or is there unasked; empty if it is as promised.

    A promised line `...` stands for any number of lines, `...` inside of a line for any text. Where nothing is promised
    anything may be said. `within` is how much numbers may differ by.
    """
    if not promised:
        return ""
    lines = [line for line in said.splitlines() if line.strip()]
    wanted = [line for line in promised if line.strip()]
    at, free = 0, False
    for line in wanted:
        if line.strip() == _ANYTHING:
            free = True
            continue
        start = at
        while at < len(lines) and not _same(line, lines[at], within):
            if not free:
                return f"expected  {line}\nfound     {lines[at]}"
            at += 1
        if at == len(lines):
            return f"expected  {line}\nfound     the end, after {len(lines) - start} other lines"
        at, free = at + 1, False
    return "" if free or at == len(lines) else f"not expected: {lines[at]}"


def _same(promised: str, said: str, within: int) -> bool:
    parts = [_steady(part) for part in promised.strip().split(_ANYTHING)]
    found = re.fullmatch(".*".join(_pattern(part, within) for part in parts), _steady(said.strip()))
    if found is None:
        return False
    numbers = [int(number) for part in parts for number in _NUMBER.findall(part)] if within else []
    return all(abs(int(said) - wanted) <= within for said, wanted in zip(found.groups(), numbers, strict=True))


def _pattern(text: str, within: int) -> str:
    escaped = [re.escape(part) for part in _NUMBER.split(text)]
    return r"(\d+)".join(escaped) if within else re.escape(text)


def _steady(text: str) -> str:
    for pattern, name in _VOLATILE:
        text = pattern.sub(name, text)
    return _SPACE.sub(" ", text)
