"""Access logs of Envoys: one line per request or connection (its form: `weft.envoy.access_log`)."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from msgspec import Struct

_TOKEN: Final = re.compile(r'\[([^\]]*)\]|"([^"]*)"|(\S+)')
_NAMES: Final = (
    *("start", "request", "status", "flags", "details", "termination", "transport_failure", "received", "sent"),
    *("duration", "upstream_time", "forwarded_for", "agent", "request_id", "authority", "upstream", "cluster"),
    *("upstream_local", "local", "remote", "server_name", "route", "closed_by", "audited_by", "caller"),
)
"""The fields in their order."""

_POLICY: Final = re.compile(r"ns\[[^\]]*\]-policy\[([^\]]*)\]")
_NOTHING: Final = "-"


class LogLine(Struct, frozen=True, kw_only=True):
    """What a line says; texts are empty where Envoy writes `-`, addresses without their port.

    `remote` is who called, but if `forwarded_for` is there: then Envoy writes the client that a gateway named.
    `start` is in Unix seconds. `details` are those of the answer, for bytes those of the connection's end. `caller` is
    the identity in the certificate of who called; `closed_by` are the names of policies that refuse what no rule
    allows.
    """

    start: float
    method: str
    path: str
    status: int
    flags: str
    details: str
    cluster: str
    local: str
    remote: str
    forwarded_for: str
    closed_by: tuple[str, ...]
    caller: str


def read_line(text: str) -> LogLine | None:
    """The line; None if it is none of an access log, or holds a quote that somebody sent."""
    tokens = ["".join(groups) for groups in _TOKEN.findall(text)] if text.startswith("[") else []
    if len(tokens) != len(_NAMES):
        return None
    fields = {name: _present(token) for name, token in zip(_NAMES, tokens, strict=True)}
    method, _, target = fields["request"].rpartition(" ")[0].partition(" ")
    try:
        return LogLine(
            start=datetime.fromisoformat(fields["start"]).timestamp(),
            method=_present(method),
            path=_present(target),
            status=int(fields["status"]),
            flags=fields["flags"],
            details=fields["details"] or fields["termination"],
            cluster=fields["cluster"],
            local=_host(fields["local"]),
            remote=_host(fields["remote"]),
            forwarded_for=fields["forwarded_for"],
            closed_by=policy_names(fields["closed_by"]),
            caller=fields["caller"],
        )
    except ValueError:
        return None


def policy_names(text: str) -> tuple[str, ...]:
    """The names of policies in a text such as `ns[bookshop]-policy[no-visitors]-rule[0]`."""
    return tuple(_POLICY.findall(text))


def _present(token: str) -> str:
    return "" if token == _NOTHING else token


def _host(address: str) -> str:
    return address.rpartition(":")[0]
