"""Which objects are meant by `KIND`, `KIND NAME...`, `KIND/NAME...`, and finding them."""

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct

from weft.cli.api import Controller, Listing, NotFoundError
from weft.cli.errors import Misuse
from weft.cli.manifests import Json

EVENT: Final = "Event"

_EVENT_WORDS: Final = frozenset({"event", "events", "ev"})
_ALL: Final = ("pods", "services", "deployments", "jobs")


class Wanted(Struct, frozen=True):
    """Objects of one kind (by any of its names): one, or all that a selector chooses in a namespace (None: in all)."""

    kind: str
    name: str | None
    namespace: str | None
    selector: str = ""


def parse_resources(words: Sequence[str], namespace: str | None, selector: str = "") -> tuple[Wanted, ...]:
    """What the words of a command line mean. Raises Failure where they mean nothing."""
    return tuple(Wanted(kind, name, namespace, selector) for kind, name in _checked(words, namespace, selector))


def find(controller: Controller, wanted: Sequence[Wanted]) -> tuple[list[Listing], list[NotFoundError]]:
    """What there is of it, and an error for each name that there is not. Raises Failure if the mesh does not answer."""
    found: list[Listing] = []
    missing: list[NotFoundError] = []
    for each in wanted:
        try:
            found.append(_find(controller, each))
        except NotFoundError as error:
            missing.append(error)
    return found, missing


def kind_key(manifest: Json) -> str:
    """`Kind.group` of an object."""
    group, slash, _ = str(manifest.get("apiVersion", "")).rpartition("/")
    kind = str(manifest.get("kind", ""))
    return f"{kind}.{group}" if slash else kind


def resource_name(kind: str, name: str) -> str:
    """How kubectl writes an object: `service/reviews`, `virtualservice.networking.istio.io/reviews`."""
    return f"{kind.lower()}/{name}"


def _checked(words: Sequence[str], namespace: str | None, selector: str) -> Iterator[tuple[str, str | None]]:
    pairs = list(_pairs(words))
    named = any(name is not None for _, name in pairs)
    if named and (namespace is None or selector):
        raise Misuse("a name can't be given together with --all-namespaces or a selector")
    yield from pairs


def _pairs(words: Sequence[str]) -> Iterator[tuple[str, str | None]]:
    slashed = [word for word in words if "/" in word]
    if slashed:
        if len(slashed) != len(words):
            raise Misuse("KIND/NAME can't be mixed with KIND NAME")
        for word in words:
            kind, _, name = word.partition("/")
            yield _part(kind, word), _part(name, word)
        return
    for part in words[0].split(","):
        for kind in _ALL if part == "all" else (_part(part, words[0]),):
            yield from ((kind, name) for name in words[1:] or (None,))


def _part(text: str, word: str) -> str:
    if not text:
        raise Misuse(f"{word!r} names no object", hint="write KIND, KIND NAME or KIND/NAME")
    return text


def _find(controller: Controller, wanted: Wanted) -> Listing:
    if wanted.kind.lower() in _EVENT_WORDS:
        return _events(controller, wanted)
    if wanted.name is None:
        return controller.objects(wanted.kind, wanted.namespace, wanted.selector)
    manifest = controller.object(wanted.kind, wanted.namespace or "", wanted.name)
    return Listing(kind_key(manifest), (manifest,))


def _events(controller: Controller, wanted: Wanted) -> Listing:
    if wanted.name is not None or wanted.selector:
        raise Misuse("events have no names and labels: `weft describe` shows those of an object")
    return Listing(EVENT, tuple(controller.fetch("/v1/events", list[Json], namespace=wanted.namespace)))
