"""Small kinds to test with."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from weft.model.objects import Kind


class Route(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A part of `Road`."""

    host: str
    port: Annotated[int, Meta(ge=1, le=65535)] = 80
    weight: int | None = None
    target: int | str = 0
    mode: Literal["STRICT", "PERMISSIVE"] = "STRICT"


class Road(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A strict kind with lists, maps and nested fields."""

    hosts: tuple[str, ...] = ()
    http: tuple[Route, ...] = ()
    headers: dict[str, Route | None] = {}
    by_port: dict[int | str, Route] = {}
    enabled: bool = False
    ratio: float = 0.0
    free: Any = None

    def __post_init__(self) -> None:
        if self.ratio > 1:
            raise ValueError("the ratio is more than 1")


class Guard(Struct, frozen=True, rename="camel"):
    """A kind that ignores fields that it does not know."""

    selector: dict[str, str] = {}


class Box(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A kind whose fields are at the top."""

    data: dict[str, str] = {}
    blob: dict[str, bytes] = {}


class BoxStatus(Struct, frozen=True):
    """A status that is an input."""

    ready: bool = False


ROAD = Kind("test.weft.dev", "Road", "roads", ("v1", "v1beta1"), Road, short_names=("rd",))
GUARD = Kind("test.weft.dev", "Guard", "guards", ("v1",), Guard)
BOX = Kind("", "Box", "boxes", ("v1",), Box, body="", short_names=("bx",), status=BoxStatus)
NAMESPACE = Kind("", "Namespace", "namespaces", ("v1",), Guard, namespaced=False, short_names=("ns",))
KINDS = (ROAD, GUARD, BOX, NAMESPACE)
