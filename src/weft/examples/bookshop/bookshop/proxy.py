"""The HTTP proxy that calls go through where http_proxy names one, but for what no_proxy lists, as curl reads them."""

import ipaddress
from collections.abc import Mapping
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

_PORT: Final = 80


def read_proxy(environment: Mapping[str, str], host: str) -> tuple[str, int] | None:
    """Host and port of the proxy for calls to a host; None for calls that go there directly."""
    found = urlsplit(environment.get("http_proxy", ""))
    if not found.hostname or is_exempt(environment.get("no_proxy", ""), host):
        return None
    return found.hostname, found.port or _PORT


def own_source(environment: Mapping[str, str], address: str) -> tuple[str, int] | None:
    """Where a connection to an address of loopback comes from: POD_IP, if that is one too, so that logs tell callers
    apart. None leaves it to the machine, as everywhere else."""
    own = environment.get("POD_IP", "")
    with suppress(ValueError):
        if ipaddress.ip_address(own).is_loopback and ipaddress.ip_address(address).is_loopback:
            return own, 0
    return None


def is_exempt(no_proxy: str, host: str) -> bool:
    """Whether a list of hosts, domains and networks (`localhost,.example,127.0.0.0/8`, `*` for all) has this host."""
    return any(_matches(entry.strip(), host) for entry in no_proxy.split(",") if entry.strip())


def _matches(entry: str, host: str) -> bool:
    if entry == "*":
        return True
    with suppress(ValueError):
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry)
    return host == entry or host.endswith(f".{entry.lstrip('.')}")
