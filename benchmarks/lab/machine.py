"""The machine that figures are from, and what is told while they are made."""

import contextlib
import datetime
import os
import platform
import re
import sys
from pathlib import Path
from typing import Any

import weft


def machine() -> dict[str, Any]:
    """Returns what figures depend on."""
    model = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.M)
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "processors": os.cpu_count(),
        "processor": model[1] if model else platform.machine(),
        "kernel": platform.release().partition("-")[0],
        "weft": weft.__version__,
        "load": os.getloadavg()[0],
    }


def tell(text: str) -> None:
    """Says on standard error what is being done."""
    with contextlib.suppress(BrokenPipeError):
        print(text, file=sys.stderr, flush=True)
