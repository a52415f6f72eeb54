"""All generated pages."""

from typing import Final

from tools.reference.annotations import annotations_page
from tools.reference.codes import codes_page
from tools.reference.commands import commands_page
from tools.reference.kinds import kinds_page
from tools.reference.metrics import metrics_page
from tools.reference.ports import ports_page
from tools.reference.settings import settings_page
from tools.reference.state import state_page

FOLDER: Final = "docs/reference"
_NOTICE: Final = "<!-- Made by `python -m tools.reference` from the code. Change that, not this. -->\n\n"


def pages() -> dict[str, str]:
    """The text of each page by the name of its file."""
    made = {
        "commands.md": commands_page(),
        "codes.md": codes_page(),
        "kinds.md": kinds_page(),
        "settings.md": settings_page(),
        "annotations.md": annotations_page(),
        "ports.md": ports_page(),
        "metrics.md": metrics_page(),
        "state.md": state_page(),
    }
    return {name: _NOTICE + text for name, text in made.items()}
