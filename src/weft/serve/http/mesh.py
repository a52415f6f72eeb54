"""The mesh as a whole: GET /v1/status, /v1/proxies, /v1/related/{kind}/{name}?namespace=."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from weft.base.issues import Ref
from weft.serve.http.answers import answer
from weft.serve.http.contract import MeshView


class MeshRoutes:
    """Handlers over the running mesh."""

    def __init__(self, mesh: MeshView) -> None:
        self._mesh = mesh

    def routes(self) -> list[Route]:
        """The routes of the API."""
        return [
            Route("/v1/status", self._status, methods=["GET"]),
            Route("/v1/proxies", self._proxies, methods=["GET"]),
            Route("/v1/related/{kind}/{name}", self._related, methods=["GET"]),
        ]

    async def _status(self, _: Request) -> Response:
        await self._mesh.told()
        return answer(self._mesh.status())

    async def _proxies(self, _: Request) -> Response:
        await self._mesh.told()
        return answer(self._mesh.proxies())

    async def _related(self, request: Request) -> Response:
        namespace = request.query_params.get("namespace", "")
        return answer(self._mesh.related(Ref(request.path_params["kind"], namespace, request.path_params["name"])))
