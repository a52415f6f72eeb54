"""Values as JSON or YAML, for people and for programs that read on."""

from importlib import import_module
from typing import Any, Literal

import msgspec

Structured = Literal["json", "yaml"]


def structured(value: Any, form: Structured) -> str:
    """The value as text without a last line feed; JSON is indented by four, as kubectl's."""
    if form == "json":
        return msgspec.json.format(msgspec.json.encode(value), indent=4).decode()
    yaml: Any = import_module("yaml")  # its import takes longer than most commands
    plain = msgspec.to_builtins(value)
    return str(yaml.dump(plain, Dumper=_dumper(yaml), sort_keys=False, allow_unicode=True)).rstrip("\n")


def _dumper(yaml: Any) -> Any:
    """libyaml's, where PyYAML was built with it: large dumps take a tenth of the time."""
    return getattr(yaml, "CSafeDumper", yaml.SafeDumper)
