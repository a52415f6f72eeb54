"""Reading objects as Kubernetes writes them, whatever is missing in them."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

Json = dict[str, Any]


def dig(value: Any, *path: str) -> Any:
    """What stands at a path of fields; None where there is nothing."""
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value


def items(value: Any, *path: str) -> Iterator[Json]:
    """The objects of the list at a path of fields."""
    found = dig(value, *path)
    return (item for item in found if isinstance(item, dict)) if isinstance(found, list) else iter(())


def seconds(timestamp: Any) -> float | None:
    """Unix seconds of a timestamp (RFC 3339); None where there is none."""
    try:
        return datetime.fromisoformat(timestamp).timestamp()
    except (TypeError, ValueError):
        return None


def is_ready(pod: Json) -> bool:
    """Whether a pod has the condition Ready."""
    return any(c.get("type") == "Ready" and c.get("status") == "True" for c in items(pod, "status", "conditions"))
