"""HTML as values: all text is escaped unless it is markup already, so a template cannot forget it."""

from html import escape
from typing import Final

_WITHOUT_END: Final = frozenset(("meta", "link"))


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def element(name: str, /, *children: str, **attributes: str) -> Markup:
    """An element with its children. Attributes are written as in Python: `class_`, `aria_label`."""
    shown = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"' for key, value in attributes.items() if value
    )
    if name in _WITHOUT_END:
        return Markup(f"<{name}{shown}>")
    inner = "".join(child if isinstance(child, Markup) else escape(child) for child in children)
    return Markup(f"<{name}{shown}>{inner}</{name}>")
