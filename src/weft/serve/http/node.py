"""What the node process asks.

GET /v1/node/orders?after=<revision> answers with NodeOrders, or 204 after at most 30 s without a change;
POST /v1/node/reports takes a list of PodReport; POST /v1/node/credentials takes {"uid": ...}, answers Credentials.
"""

from typing import Final

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from weft.model.local import PodReport
from weft.serve.http.answers import ApiError, answer, read
from weft.serve.http.contract import Node

LONG_POLL: Final = 30.0
_DIGITS: Final = 18


class CredentialsRequest(Struct, forbid_unknown_fields=True):
    """Whose credentials are asked for."""

    uid: str


class NodeRoutes:
    """Handlers for the node."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def routes(self) -> list[Route]:
        """The routes of the API."""
        return [
            Route("/v1/node/orders", self._orders, methods=["GET"]),
            Route("/v1/node/reports", self._reports, methods=["POST"]),
            Route("/v1/node/credentials", self._credentials, methods=["POST"]),
        ]

    async def _orders(self, request: Request) -> Response:
        text = request.query_params.get("after")
        if text is not None and not (text.isdecimal() and len(text) <= _DIGITS):
            raise ApiError(400, f"`after` is a revision, not {text[:40]!r}")
        orders = await self._node.orders(int(text) if text is not None else None, LONG_POLL)
        return answer(orders) if orders is not None else Response(status_code=204)

    async def _reports(self, request: Request) -> Response:
        self._node.report(await read(request, list[PodReport]))
        return Response(status_code=204)

    async def _credentials(self, request: Request) -> Response:
        wanted: CredentialsRequest = await read(request, CredentialsRequest)
        credentials = self._node.credentials(wanted.uid)
        if credentials is None:
            raise ApiError(404, f"there is no pod with uid {wanted.uid[:80]!r}")
        return answer(credentials)
