"""The shop's answers at `/api/products/<id>`: which services took part, and who each of them was told had called."""

from __future__ import annotations

import msgspec
from msgspec import Struct


class Hop(Struct, frozen=True):
    """A service that took part, and the identity of its caller as the service was told by its sidecar."""

    service: str
    version: str
    caller: str


class Page(Struct, frozen=True):
    """One answer. `problem` says what is missing of it; nothing if it is complete."""

    status: int
    problem: str = ""
    hops: tuple[Hop, ...] = ()

    @property
    def version(self) -> str:
        """The version of the reviews in it."""
        return next((hop.version for hop in self.hops if hop.service == "reviews"), "")


class _Body(Struct, frozen=True):
    hops: tuple[Hop, ...]
    problems: dict[str, str]
    reviews: _Reviews | None = None


class _Reviews(Struct, frozen=True):
    problem: str = ""


def read_page(status: int, body: bytes) -> Page:
    """What an answer says."""
    if status != 200:
        return Page(status, f"status {status}")
    try:
        found = msgspec.json.decode(body, type=_Body)
    except msgspec.DecodeError as error:
        return Page(status, f"it can't be read: {error}")
    problems = [f"{service}: {problem}" for service, problem in found.problems.items()]
    if found.reviews is not None and found.reviews.problem:
        problems.append(f"reviews: {found.reviews.problem}")
    return Page(status, "; ".join(problems), found.hops)
