"""Access logs."""

from typing import Literal

from weft.base import protobuf
from weft.envoy.access_log import access_logs
from weft.ir.settings import MeshSettings


def _log(path: str, level: Literal["http", "tcp"] = "http", closed_by: str = "") -> dict[str, object]:
    (log,) = access_logs(MeshSettings(access_log=path), level, closed_by=closed_by)
    return protobuf.to_dict(protobuf.new("envoy.config.accesslog.v3.AccessLog", **log))


def test_standard_output_has_its_own_logger() -> None:
    assert _log("/dev/stdout")["name"] == "envoy.access_loggers.stdout"


def test_other_paths_are_files() -> None:
    log = _log("/var/log/access.log")
    assert log["name"] == "envoy.access_loggers.file"
    assert log["typedConfig"]["path"] == "/var/log/access.log"  # type: ignore[index]


def test_a_line_ends_with_the_policies_that_close_and_the_audit() -> None:
    text = str(_log("/dev/stdout")["typedConfig"])
    assert '%ROUTE_NAME% "%METADATA(ROUTE:weft.access:closed_by)%"' in text
    assert "%DYNAMIC_METADATA(envoy.filters.http.rbac" in text


def test_a_log_of_bytes_names_the_policies_that_close_itself() -> None:
    text = str(_log("/dev/stdout", "tcp", "ns[shop]-policy[a%b]")["typedConfig"])
    assert '%ROUTE_NAME% "ns[shop]-policy[a%%b]" "%DYNAMIC_METADATA' in text


def test_no_path_is_no_log() -> None:
    assert access_logs(MeshSettings(), "tcp") == []
