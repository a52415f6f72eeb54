"""Codes of findings: docs/reference/codes.md."""

import re
from typing import Final

from tools.reference.markdown import code, sections, table
from tools.reference.source import docstrings, documented_constants, modules, texts

_CODE: Final = r"(?:IST|WEFT)\d{4}"
_CHECK: Final = re.compile(rf"({_CODE}(?:, {_CODE})*): (.*)", re.DOTALL)
_NEAR: Final = {
    "WEFT0001": "Weft failed on this object: a defect of Weft, to be reported with the object. The object is not used; "
    "a security policy refuses what it selects.",
}
"""Codes that are not documented where they are made."""

_INTRODUCTION: Final = """\
# Issue codes

What Weft finds wrong with an object has a code that stays the same for ever. Codes with `IST` are those of Istio's
analyzer where it has the same finding; `WEFT` are Weft's own.

An issue names the object, its file and line, the field, what the mesh does because of it, and the way out.
`weft status` shows the worst, `weft describe` those of one object, `weft status -o json` all. Errors mean that
something asked for does not happen; warnings, that it happens otherwise than it may seem."""


class MissingError(Exception):
    """A code is used and described nowhere."""


def codes() -> dict[str, str]:
    """What each code stands for. Raises MissingError for one that nobody describes."""
    found = dict(_NEAR)
    for path, tree in modules():
        if path.name == "codes.py":
            found |= {text: said for _, text, said in documented_constants(tree)}
        else:
            checks = (_CHECK.match(text) for text in docstrings(tree))
            for check in filter(None, checks):
                for name in check[1].split(", "):
                    found[name] = f"{found.get(name, '')} {check[2][0].upper()}{check[2][1:]}".strip()
    missing = texts(_CODE) - found.keys()
    if missing:
        raise MissingError(f"nothing describes {', '.join(sorted(missing))}: document them in weft.model.codes")
    return found


def codes_page() -> str:
    """The page."""
    rows = [(f"{code(name)}", said) for name, said in sorted(codes().items())]
    return sections(_INTRODUCTION, table(("code", "meaning"), rows))
