"""What the controller tells of itself.

GET /metrics, /ready and /version, as on istiod's monitoring port; GET /v1/debug/graph;
GET /v1/debug/pushes?namespace=&pod=.
"""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from weft import __version__
from weft.base.issues import Ref
from weft.serve.http.answers import ApiError, answer
from weft.serve.http.contract import Debug
from weft.telemetry.exposition import CONTENT_TYPE

_POD: Final = "Pod"


class DebugRoutes:
    """Handlers over the controller itself."""

    def __init__(self, debug: Debug) -> None:
        self._debug = debug

    def routes(self) -> list[Route]:
        """The routes of the API."""
        return [
            Route("/metrics", self._metrics, methods=["GET"]),
            Route("/ready", self._ready, methods=["GET"]),
            Route("/version", self._version, methods=["GET"]),
            Route("/v1/debug/graph", self._graph, methods=["GET"]),
            Route("/v1/debug/pushes", self._pushes, methods=["GET"]),
        ]

    async def _metrics(self, _: Request) -> Response:
        return Response(self._debug.metrics(), headers={"Content-Type": CONTENT_TYPE})

    async def _ready(self, _: Request) -> Response:
        return Response()

    async def _version(self, _: Request) -> Response:
        return Response(__version__, media_type="text/plain")

    async def _graph(self, _: Request) -> Response:
        return answer(self._debug.graph())

    async def _pushes(self, request: Request) -> Response:
        name = request.query_params.get("pod")
        pod = Ref(_POD, request.query_params.get("namespace", "default"), name) if name else None
        try:
            return answer(self._debug.reasons(pod))
        except KeyError:
            hint = "`weft proxy-status` lists those that are"
            raise ApiError(404, f"the Envoy of {pod} is not connected", hint) from None
