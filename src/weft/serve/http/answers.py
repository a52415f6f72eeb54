"""Answers as JSON, and errors that say what to do."""

from typing import Any, Final

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

MAX_BODY: Final = 16 * 2**20
"""Bytes of a request. The largest object that Kubernetes stores has 1.5 MiB; reports of all pods are the longest."""


class ApiError(Exception):
    """A request that can't be answered; `hint` says what to do."""

    def __init__(self, status: int, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.hint = hint


def answer(value: Any, status: int = 200) -> Response:
    """A value as JSON."""
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def failed(_: Request, error: Exception) -> Response:
    """An ApiError as JSON."""
    assert isinstance(error, ApiError)
    return answer({"error": str(error), "hint": error.hint}, error.status)


async def read(request: Request, kind: Any) -> Any:
    """The body of a request as a value of a type. Raises ApiError."""
    parts = bytearray()
    try:
        async for part in request.stream():
            parts += part
            if len(parts) > MAX_BODY:
                raise ApiError(413, f"the request is longer than {MAX_BODY >> 20} MiB", "split it")
    except ClientDisconnect:
        raise ApiError(400, "the request ended too early") from None
    try:
        return msgspec.json.decode(parts, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ApiError(400, f"the request's JSON is not as expected: {error}") from error
