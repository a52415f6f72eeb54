"""Checks of single values as Istio's validation makes them. Each says what is wrong, and returns what can be used."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import re2

from weft.base.durations import Milliseconds, parse_duration
from weft.base.families import parse_network
from weft.dialects.checks import check_name
from weft.dialects.report import Report, within

_LABEL_NAME: Final = re.compile(r"[A-Za-z0-9](?:[-._A-Za-z0-9]{0,61}[A-Za-z0-9])?")
_HEADER: Final = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+")
_FORMAT: Final = re.compile(r"%%|%[A-Z0-9_]+(?:\([^()]*\))?(?::\d+)?%|[^%]")
_REGEX_MEMORY: Final = 1 << 20
_LARGEST_COUNT: Final = (1 << 31) - 1
_DAY: Final = 24 * 60 * 60 * 1_000
_LONGEST_DURATION: Final = 365 * _DAY
_LONGEST_TEXT: Final = 40


_LARGEST_PROGRAM: Final = 32_768
"""Instructions of a compiled expression that proxies take (runtime key re2.max_program_size.error_level)."""


def check_duration(report: Report, path: str, text: str | None, *, least: Milliseconds = 1) -> Milliseconds | None:
    """A duration of at least `least` milliseconds and at most a year; None where it is not stated or wrong."""
    if text is None:
        return None
    if len(text) > _LONGEST_TEXT:
        report.invalid(path, f"{text[:_LONGEST_TEXT]}… is no duration")
        return None
    try:
        value = parse_duration(text)
    except ValueError as error:
        report.invalid(path, str(error))
        return None
    if not least <= value <= _LONGEST_DURATION:
        report.invalid(path, f"{text} is outside of {least} ms to one year")
        return None
    return value


def check_regex(report: Report, path: str, pattern: str) -> Any:
    """A regular expression of RE2, not empty, that fits into 1 MiB when compiled; None where it is wrong."""
    if not pattern:
        report.invalid(path, "the regular expression is empty")
        return None
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _REGEX_MEMORY
    try:
        compiled = re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0].decode(errors="replace") if error.args else "refused"
        report.invalid(path, f"{pattern!r} is no regular expression of RE2: {reason}", "see the syntax of RE2")
        return None
    if compiled.programsize > _LARGEST_PROGRAM:
        report.invalid(path, f"{pattern!r} is too complex", "use a simpler expression, or several rules")
        return None
    return compiled


def check_percent(report: Report, path: str, value: float) -> float:
    """A percentage as a share from 0 to 1."""
    if not 0 <= value <= 100:
        report.invalid(path, f"{value:g} is no percentage: give 0 to 100")
        return 0.0
    return value / 100


def check_count(report: Report, path: str, value: int) -> None:
    """A count, size or weight: not negative, and within the API's 32 bits."""
    if not 0 <= value <= _LARGEST_COUNT:
        report.invalid(path, f"{value} is outside of 0 to {_LARGEST_COUNT}")


def check_network(report: Report, path: str, text: str) -> str | None:
    """An address or a network, in its canonical form; a network of one address becomes that address."""
    try:
        network = parse_network(text)
    except ValueError:
        report.invalid(path, f"{text!r} is neither an address nor a network", "write it like 10.1.0.0/16 or 10.1.2.3")
        return None
    return str(network.network_address) if network.num_addresses == 1 else str(network)


def check_labels(report: Report, path: str, labels: Mapping[str, str]) -> None:
    """Labels to select by: every value is one that Kubernetes accepts, and not a pattern."""
    for key, value in labels.items():
        if not key or "*" in key or (value and not _LABEL_NAME.fullmatch(value)):
            report.invalid(within(path, key), f"{key!r}: {value!r} is no label")


def check_export_to(report: Report, export_to: Iterable[str]) -> None:
    """Visibility: namespaces, `.` and `*`, or `~` alone (Istio, validateExportTo)."""
    stated = tuple(export_to)
    for index, each in enumerate(stated):
        if each not in (".", "*", "~"):
            check_name(report, f"spec.exportTo[{index}]", each)
    for alone in ("*", "~"):
        if alone in stated and len(set(stated)) > 1:
            report.invalid("spec.exportTo", f"{alone!r} and other namespaces exclude each other")


def check_header_name(report: Report, path: str, name: str, *, pseudo: Iterable[str] = ()) -> bool:
    """Whether a text is the name of a header (RFC 9110, section 5.1), or one of the pseudo headers that are allowed."""
    if _HEADER.fullmatch(name) or name in pseudo:
        return True
    report.invalid(path, f"{name!r} is no name of a header")
    return False


def check_text(report: Report, path: str, value: str) -> bool:
    """Whether a text can stand in a header, a path or a host: it holds no control characters but tabs."""
    if all(character == "\t" or (ord(character) >= 32 and character != "\x7f") for character in value):
        return True
    report.invalid(path, "the value holds control characters")
    return False


def check_header_value(report: Report, path: str, value: str) -> None:
    """A header's value; per cent signs stand in pairs or around a variable of the proxy, as in `%REQ(x-user)%`."""
    if check_text(report, path, value) and "".join(_FORMAT.findall(value)) != value:
        report.invalid(path, f"{value!r} holds a lone per cent sign", "write %% for a per cent sign")


def stated(**fields: Any) -> list[str]:
    """Names of the fields that have a value; for fields of which only one may be set."""
    return [name for name, value in fields.items() if value is not None]
