"""The application: all routes over what does the work."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from weft.serve.http.answers import ApiError, answer, failed
from weft.serve.http.contract import ConflictError, Debug, MeshView, Node, Objects
from weft.serve.http.debug import DebugRoutes
from weft.serve.http.mesh import MeshRoutes
from weft.serve.http.node import NodeRoutes
from weft.serve.http.objects import ObjectRoutes


def create_app(objects: Objects, mesh: MeshView, node: Node, debug: Debug) -> Starlette:
    """The API of a controller."""
    routes = [*ObjectRoutes(objects).routes(), *MeshRoutes(mesh).routes(), *NodeRoutes(node).routes()]
    routes += DebugRoutes(debug).routes()
    handlers = {ApiError: failed, ConflictError: _not_allowed, 404: _no_such_path, 405: _no_such_path}
    return Starlette(routes=routes, exception_handlers=handlers)


def _not_allowed(_: Request, error: Exception) -> Response:
    return answer({"error": str(error), "hint": ""}, 409)


def _no_such_path(request: Request, _: Exception) -> Response:
    message = f"the API has no {request.method} {request.url.path}"
    return answer({"error": message, "hint": "the versions of `weft` and of the running mesh may differ"}, 404)
