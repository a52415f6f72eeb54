"""What an unquoted word means in YAML, exactly as kubectl reads it.

kubectl uses YAML 1.1 as the Go library `go-yaml` version 2 reads it: `yes`, `no`, `on`, `off`, `y` and `n` are
booleans, `0777` is octal, `1e3` is a number, dates and `12:30` are texts. PyYAML differs in the last three.
"""

import math
import re
from typing import Final

Scalar = None | bool | int | float | str

_WORDS: Final[dict[str, Scalar]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
}
_NOT_JSON: Final = frozenset(
    sign + word for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN")
)
_NUMBER_STARTS: Final = frozenset("+-.0123456789")
_INTEGER: Final = re.compile(r"([-+]?)(0[bB][01]+|0[oO][0-7]+|0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_OLD_OCTAL: Final = re.compile(r"0[0-7]+")
_LONGEST_NUMBER: Final = 100
_EXACT: Final = 2**53
"""Whole floats below this are written without a fraction in JSON, and so are whole numbers for whoever reads them."""


def resolve(word: str) -> Scalar:
    """The value of an unquoted scalar. Raises ValueError for numbers that JSON does not have."""
    if word[:1] not in _NUMBER_STARTS:
        return _WORDS.get(word, word)
    if len(word) > _LONGEST_NUMBER or word.count(".") > 1:  # most of the latter are addresses
        return word
    if word in _NOT_JSON:
        raise ValueError(f"{word} is no number that JSON has")
    return _number(word)


def _number(word: str) -> Scalar:
    digits = word.replace("_", "")
    match = _INTEGER.fullmatch(digits)
    if match is not None:
        base = 8 if _OLD_OCTAL.fullmatch(match[2]) else 0
        integer = int(match[1] + match[2], base)
        if -(2**63) <= integer < 2**64:
            return integer
    if _FLOAT.fullmatch(digits):
        number = float(digits)
        if math.isfinite(number):
            return int(number) if number.is_integer() and abs(number) < _EXACT else number
    return word
