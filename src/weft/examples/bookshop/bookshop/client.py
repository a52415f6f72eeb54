"""Calling another service over HTTP, through a proxy if the environment names one."""

import json
import os
from http.client import HTTPConnection, HTTPException
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from .messages import Json
from .proxy import own_source, read_proxy

MAX_BODY: Final = 1_000_000


class Answer(NamedTuple):
    """What came back: status, body and the name and version that the service gives itself."""

    status: int
    body: bytes
    served_by: str


class CallError(Exception):
    """A call that brought nothing usable. `status` is the answer's, 0 where none came."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


def fetch(url: str, headers: dict[str, str], *, timeout: float) -> Answer:
    """GET an http:// URL over a connection of its own; each step may take `timeout` seconds. Raises CallError."""
    target = urlsplit(url)
    if target.scheme != "http" or not target.hostname:
        raise CallError(f"{url!r} is no http:// address")
    path = (target.path or "/") + (f"?{target.query}" if target.query else "")
    try:
        proxy = read_proxy(os.environ, target.hostname)
        place = proxy or (target.hostname, target.port)
        connection = HTTPConnection(*place, timeout=timeout, source_address=own_source(os.environ, place[0]))
        try:
            asked = f"http://{target.netloc}{path}" if proxy else path  # RFC 9112, section 3.2.2
            connection.request("GET", asked, headers=headers)
            response = connection.getresponse()
            return Answer(response.status, response.read(MAX_BODY), response.getheader("X-Served-By", ""))
        finally:
            connection.close()
    except (OSError, HTTPException, ValueError) as error:
        reason = "took too long" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
        raise CallError(f"{target.hostname}: {reason}") from error


def get_json(url: str, headers: dict[str, str], *, timeout: float) -> Json:
    """The JSON object at a URL. Raises CallError for everything but a 200 with one."""
    host = urlsplit(url).hostname
    answer = fetch(url, headers, timeout=timeout)
    if answer.status != 200:
        raise CallError(f"{host} answered {answer.status}", answer.status)
    try:
        body = json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        raise CallError(f"{host} answered no JSON") from error
    if not isinstance(body, dict):
        raise CallError(f"{host} answered no JSON object")
    return body
