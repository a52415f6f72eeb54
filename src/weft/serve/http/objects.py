"""Reading and changing objects.

GET /v1/kinds; GET /v1/objects/{kind}?namespace=&selector=; GET|DELETE /v1/objects/{kind}/{name}?namespace=;
POST /v1/objects (a manifest); PATCH /v1/objects/{kind}/{name}?namespace= with {"labels": {key: value or null}};
GET /v1/issues?kind=&namespace=&name=; GET /v1/events?namespace=.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from weft.base.issues import Ref
from weft.ir.values import LabelTerm
from weft.mesh.matching import term_holds
from weft.model.kinds import UnknownKindError
from weft.model.objects import Kind
from weft.serve.http.answers import ApiError, answer, read
from weft.serve.http.contract import Objects
from weft.serve.http.selectors import parse_selector

DEFAULT_NAMESPACE = "default"


class LabelChanges(Struct, forbid_unknown_fields=True):
    """The body of a PATCH: labels to set, or to remove where the value is null."""

    labels: dict[str, str | None]


class ObjectRoutes:
    """Handlers over the objects of a mesh."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def routes(self) -> list[Route]:
        """The routes of the API."""
        return [
            Route("/v1/kinds", self._kinds, methods=["GET"]),
            Route("/v1/objects", self._apply, methods=["POST"]),
            Route("/v1/objects/{kind}", self._list, methods=["GET"]),
            Route("/v1/objects/{kind}/{name}", self._get, methods=["GET"]),
            Route("/v1/objects/{kind}/{name}", self._delete, methods=["DELETE"]),
            Route("/v1/objects/{kind}/{name}", self._label, methods=["PATCH"]),
            Route("/v1/issues", self._issues, methods=["GET"]),
            Route("/v1/events", self._events, methods=["GET"]),
        ]

    async def _kinds(self, _: Request) -> Response:
        return answer(
            [
                {
                    "kind": kind.name,
                    "key": kind.key,
                    "plural": kind.plural,
                    "shortNames": kind.short_names,
                    "group": kind.group,
                    "version": kind.versions[0],
                    "namespaced": kind.namespaced,
                }
                for kind in self._objects.kinds
            ]
        )

    async def _list(self, request: Request) -> Response:
        kind = self._kind(request)
        try:
            terms = parse_selector(request.query_params.get("selector", ""))
        except ValueError as error:
            raise ApiError(400, str(error)) from error
        namespace = request.query_params.get("namespace") if kind.namespaced else None
        found = self._objects.manifests(kind.key, namespace)
        return await asyncio.to_thread(_listing, kind.key, found, terms)

    async def _get(self, request: Request) -> Response:
        ref = self._ref(request)
        found = self._objects.manifest(ref)
        if found is None:
            raise _missing(ref)
        return answer(found)

    async def _apply(self, request: Request) -> Response:
        body: dict[str, Any] = await read(request, dict[str, Any])
        return answer(self._objects.apply(body))

    async def _label(self, request: Request) -> Response:
        ref = self._ref(request)
        changes: LabelChanges = await read(request, LabelChanges)
        try:
            return answer(self._objects.label(ref, changes.labels))
        except KeyError:
            raise _missing(ref) from None

    async def _delete(self, request: Request) -> Response:
        ref = self._ref(request)
        if not self._objects.delete(ref):
            raise _missing(ref)
        return answer({"ref": ref})

    async def _issues(self, request: Request) -> Response:
        if "name" not in request.query_params:
            return answer(self._objects.issues(None))
        kind = self._named(request.query_params.get("kind", ""))
        return answer(self._objects.issues(_ref(kind, request, request.query_params["name"])))

    async def _events(self, request: Request) -> Response:
        return answer(self._objects.events(request.query_params.get("namespace")))

    def _kind(self, request: Request) -> Kind:
        return self._named(request.path_params["kind"])

    def _named(self, word: str) -> Kind:
        try:
            return self._objects.kinds.named(word)
        except UnknownKindError as error:
            raise ApiError(404, str(error), "`weft api-resources` lists the kinds") from error

    def _ref(self, request: Request) -> Ref:
        return _ref(self._kind(request), request, request.path_params["name"])


def _listing(kind: str, found: Iterable[dict[str, Any]], terms: Sequence[LabelTerm]) -> Response:
    """The objects that a selector chooses. Takes long where there are many: for a thread."""
    chosen = [each for each in found if all(term_holds(term, _labels(each)) for term in terms)]
    return answer({"kind": kind, "items": chosen})


def _labels(manifest: dict[str, Any]) -> dict[str, Any]:
    """The labels of an object, which may be anything as long as the object can't be read."""
    metadata = manifest.get("metadata")
    labels = metadata.get("labels") if isinstance(metadata, dict) else None
    return labels if isinstance(labels, dict) else {}


def _ref(kind: Kind, request: Request, name: str) -> Ref:
    namespace = request.query_params.get("namespace", DEFAULT_NAMESPACE) if kind.namespaced else ""
    return Ref(kind.key, namespace, name)


def _missing(ref: Ref) -> ApiError:
    return ApiError(404, f"{ref} was not found")
