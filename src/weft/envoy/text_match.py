"""The matches of the model as Envoy's matchers. Every kind can be said; what Envoy lacks becomes a full-match RE2."""

import re
from typing import Any, Final

from google.protobuf.message import Message

from weft.base import protobuf
from weft.ir.values import Text

_TEMPLATE_PARTS: Final = re.compile(r"\{\*\*\}|\{\*\}|[^{]+|\{")
_TEMPLATE_PATTERNS: Final = {"{*}": "[^/]+", "{**}": ".*"}


def regex(expression: str) -> dict[str, Any]:
    """Returns a RegexMatcher's fields; Envoy's regular expressions are RE2 and match the full text."""
    return {"regex": expression}


def string_matcher(text: Text) -> Message:
    """Returns the StringMatcher that accepts the same texts. `present` accepts any text, the empty one too."""
    kind, operand = text
    match kind:
        case "exact" | "prefix" | "suffix" if operand or kind == "exact":
            return protobuf.new("envoy.type.matcher.v3.StringMatcher", **{kind: operand})
        case "iexact":
            return protobuf.new("envoy.type.matcher.v3.StringMatcher", exact=operand, ignore_case=True)
        case "iprefix" if operand:
            return protobuf.new("envoy.type.matcher.v3.StringMatcher", prefix=operand, ignore_case=True)
    return protobuf.new("envoy.type.matcher.v3.StringMatcher", safe_regex=regex(as_regex(text)))


def as_regex(text: Text) -> str:
    """Returns an RE2 that fully matches what `text` matches.

    In a glob `*` stands for any text; in a template `{*}` stands for one segment of a path and `{**}` for any number.
    """
    kind, operand = text
    match kind:
        case "regex":
            return operand
        case "exact":
            return quote(operand)
        case "iexact":
            return f"(?i){quote(operand)}"
        case "prefix":
            return f"{quote(operand)}(?s:.*)"
        case "iprefix":
            return f"(?i){quote(operand)}(?s:.*)"
        case "suffix":
            return f"(?s:.*){quote(operand)}"
        case "glob":
            return "(?s:.*)".join(quote(part) for part in operand.split("*"))
        case "template":
            parts = _TEMPLATE_PARTS.findall(operand)
            return "".join(_TEMPLATE_PATTERNS.get(part) or quote(part) for part in parts)
        case "present":
            return "(?s:.*)"


def quote(literal: str) -> str:
    """Returns an RE2 that matches only this text: RE2 takes any ASCII punctuation literally after a backslash."""
    return "".join(_quoted(character) for character in literal)


def _quoted(character: str) -> str:
    if character.isalnum() or character == "_" or not character.isascii():
        return character
    return f"\\x{ord(character):02x}" if character.isspace() or not character.isprintable() else f"\\{character}"
