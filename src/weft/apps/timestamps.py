"""Times as Kubernetes writes them."""

from datetime import UTC, datetime


def timestamp(seconds: float) -> str:
    """A time in Unix seconds in the form of RFC 3339."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
