"""Hosts in Istio's networking APIs: short names, wildcards, and which texts are hosts at all."""

import re
from typing import Final

_LABEL: Final = r"[a-z0-9_](?:[-a-z0-9_]{0,61}[a-z0-9_])?"
_HOST: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_WILDCARD: Final = re.compile(rf"\*(?:-?{_LABEL})?(?:\.{_LABEL})*")
_LONGEST: Final = 255


def absolute_host(name: str, namespace: str, cluster_domain: str) -> str:
    """The host that a name means to an object of a namespace, lower case, without a final dot.

    Only a name without any dot is short: `reviews` is a Service of the object's own namespace, but `reviews.default`
    is taken as it stands (Istio, Destination.host: "short names are interpreted based on the namespace of the rule").
    """
    host = name.lower().removesuffix(".")
    if not host or "." in host or ":" in host or host == "*":
        return host
    return f"{host}.{namespace}.svc.{cluster_domain}"


def is_host(text: str) -> bool:
    """Whether a text is a DNS name without wildcards (RFC 1123; underscores are let through, as DNS does)."""
    host = text.lower().removesuffix(".")
    return len(host) <= _LONGEST and _HOST.fullmatch(host) is not None


def is_host_pattern(text: str) -> bool:
    """Whether a text is a DNS name that may begin with a wildcard: `*`, `*.example.com`, `*-dev.example.com`."""
    host = text.lower().removesuffix(".")
    return is_host(host) or (len(host) <= _LONGEST and _WILDCARD.fullmatch(host) is not None)


def is_server_name(text: str) -> bool:
    """Whether TLS connections can be told apart by a text: a host pattern whose wildcard stands for whole labels."""
    return is_host_pattern(text) and (not text.startswith("*") or text == "*" or text.startswith("*."))


def covers(pattern: str, host: str) -> bool:
    """Whether every name under `host` (a name or a pattern) also falls under `pattern`; both are lower case."""
    if not pattern.startswith("*"):
        return pattern == host
    return host.removeprefix("*").endswith(pattern[1:])


def meet(left: str, right: str) -> bool:
    """Whether some name falls under both patterns."""
    return covers(left, right) or covers(right, left)
