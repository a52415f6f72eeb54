"""The visitor: what it shows, and when it calls a visit good."""

import argparse
import socket

import pytest
from tests.unit.examples.bookshop.running import serving

from weft.examples.bookshop.bookshop.client import Answer, CallError, fetch, get_json
from weft.examples.bookshop.bookshop.messages import Reply, Request, json_reply
from weft.examples.bookshop.bookshop.visitor import describe, main, parse_header


def application(request: Request) -> Reply:
    match request.segments:
        case ("refused",):
            return Reply(403, b"RBAC: access denied\x1b[0m")
        case ("text",):
            return Reply(200, b"no JSON")
        case ("list",):
            return Reply(200, b"[]")
        case ("deep",):
            return Reply(200, b"[" * 100_000)
    return json_reply({"user": request.user})


def test_one_visit_shows_answer_and_body(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(application, "front") as port:
        assert main([f"http://127.0.0.1:{port}/", "--header", "end-user: ruth"]) == 0
    shown = capsys.readouterr().out
    assert f"http://127.0.0.1:{port}/: 200 front v1\n" in shown
    assert '"user": "ruth"' in shown


def test_refused_visit_shows_why_and_fails(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(application) as port:
        assert main([f"http://127.0.0.1:{port}/refused"]) == 1
    assert r"403 'RBAC: access denied\x1b[0m'" in capsys.readouterr().out


def test_many_visits_are_counted_by_answer(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(application, "front") as port:
        address = f"http://127.0.0.1:{port}"
        assert main(["--count", "3", f"{address}/", f"{address}/refused"]) == 1
    shown = capsys.readouterr().out
    assert f"     3 x {address}/: 200 front v1\n" in shown
    assert f"     3 x {address}/refused: 403 " in shown


def test_visit_without_answer_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["http://127.0.0.1:1/"]) == 1
    assert "no answer '127.0.0.1: " in capsys.readouterr().out


def test_long_errors_are_cut() -> None:
    assert len(describe(Answer(500, b"x" * 1_000, ""))) < 200


@pytest.mark.parametrize("text", ["", "name", ": value"])
def test_text_that_is_no_header_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is no header"):
        parse_header(text)


@pytest.mark.parametrize("url", ["https://a/", "a", "http://", "ftp://a", "http://127.0.0.1:99999/"])
def test_addresses_that_cannot_be_called_are_refused(url: str) -> None:
    with pytest.raises(CallError):
        fetch(url, {}, timeout=1)


@pytest.mark.parametrize("path", ["text", "list", "deep"])
def test_answer_that_is_no_json_object_is_an_error(path: str) -> None:
    with serving(application) as port, pytest.raises(CallError, match="answered no JSON"):
        get_json(f"http://127.0.0.1:{port}/{path}", {}, timeout=5)


def test_silent_service_takes_too_long() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(CallError, match="took too long"):
        fetch(f"http://127.0.0.1:{listener.getsockname()[1]}/", {}, timeout=0.1)
