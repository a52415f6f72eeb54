"""Checks of single values that several dialects make alike."""

import re
from typing import Final

from weft.dialects.report import Report

_NAME: Final = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")


def check_port(report: Report, path: str, number: int) -> bool:
    """Whether a number is a port."""
    if 1 <= number <= 65_535:
        return True
    report.invalid(path, f"{number} is no port: ports are 1 to 65535")
    return False


def check_name(report: Report, path: str, text: str) -> bool:
    """Whether a text is a name of Kubernetes in one part (RFC 1123 label)."""
    if _NAME.fullmatch(text):
        return True
    report.invalid(path, f"{text!r} is no name: give up to 63 lower case letters, digits and dashes")
    return False
