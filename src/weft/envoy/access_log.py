"""Access logs: where they go, and one line per request or connection."""

from typing import Any, Final, Literal

from weft.envoy.messages import extension
from weft.envoy.rbac.names import CLOSED_BY, HTTP_AUDITED_BY, NETWORK_AUDITED_BY
from weft.ir.settings import MeshSettings

_STDOUT: Final = "/dev/stdout"
_NO_CHAIN: Final = "NR"

_FIELDS: Final = (
    "[%START_TIME%]",
    '"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%"',
    "%RESPONSE_CODE%",
    "%RESPONSE_FLAGS%",
    "%RESPONSE_CODE_DETAILS%",
    "%CONNECTION_TERMINATION_DETAILS%",
    '"%UPSTREAM_TRANSPORT_FAILURE_REASON%"',
    "%BYTES_RECEIVED%",
    "%BYTES_SENT%",
    "%DURATION%",
    "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%",
    '"%REQ(X-FORWARDED-FOR)%"',
    '"%REQ(USER-AGENT)%"',
    '"%REQ(X-REQUEST-ID)%"',
    '"%REQ(:AUTHORITY)%"',
    '"%UPSTREAM_HOST%"',
    "%UPSTREAM_CLUSTER_RAW%",
    "%UPSTREAM_LOCAL_ADDRESS%",
    "%DOWNSTREAM_LOCAL_ADDRESS%",
    "%DOWNSTREAM_REMOTE_ADDRESS%",
    "%REQUESTED_SERVER_NAME%",
    "%ROUTE_NAME%",
)
"""The fields of Istio's default text format, in its order (Istio, "Envoy Access Logs"): tools parse them."""

_CALLER: Final = "%DOWNSTREAM_PEER_URI_SAN%"
_AUDITED_BY: Final = {"http": HTTP_AUDITED_BY, "tcp": NETWORK_AUDITED_BY}


def access_logs(settings: MeshSettings, level: Literal["http", "tcp"], *, closed_by: str = "") -> list[dict[str, Any]]:
    """Returns the AccessLogs of an HTTP connection manager or a TCP proxy; none where the mesh does not log.

    After Istio's fields come the policies that refuse what none of them allows, the audit that took note, and the
    identity in the caller's certificate. A TCP proxy, which has no route that could say them, is told those policies.
    """
    if not settings.access_log:
        return []
    own = (closed_by.replace("%", "%%") or CLOSED_BY, _AUDITED_BY[level], _CALLER)
    return [_log(settings.access_log, " ".join((*_FIELDS, *(f'"{operator}"' for operator in own))))]


def refused_connection_logs(settings: MeshSettings) -> list[dict[str, Any]]:
    """Returns the AccessLogs of a listener, for connections that no filter chain takes: nobody else would tell."""
    only = {"response_flag_filter": {"flags": [_NO_CHAIN]}}
    return [{**log, "filter": only} for log in access_logs(settings, "tcp")]


def _log(path: str, text: str) -> dict[str, Any]:
    """Standard output has a logger of its own: as a file it can't be opened by a proxy of another user."""
    line = {"text_format_source": {"inline_string": f"{text}\n"}}
    if path == _STDOUT:
        full_name = "envoy.extensions.access_loggers.stream.v3.StdoutAccessLog"
        return extension("envoy.access_loggers.stdout", full_name, log_format=line)
    full_name = "envoy.extensions.access_loggers.file.v3.FileAccessLog"
    return extension("envoy.access_loggers.file", full_name, path=path, log_format=line)
