"""How many stars readers gave: `GET /ratings/<id>`, read from the store over TCP."""

import os
from functools import partial
from typing import Final

from .ask import StoreError, ask, read_address
from .messages import Reply, Request, json_reply
from .web import serve

STORE_SECONDS: Final = 2.0


def parse_stars(value: str) -> dict[str, int]:
    """Stars by reader from a value of the store such as `ines=5 tomas=4`. ValueError if it is none."""
    pairs = [pair.partition("=") for pair in value.split()]
    stars = {reader: int(count) for reader, _, count in pairs}
    if not all(1 <= count <= 5 for count in stars.values()):
        raise ValueError("stars are 1 to 5")
    return stars


def answer(store: tuple[str, int], request: Request) -> Reply:
    """The stars for the book that the path names; none for a book that nobody rated."""
    match request.segments:
        case ("ratings", book_id) if book_id.isdecimal() and book_id.isascii() and len(book_id) < 10:
            return _from_store(store, book_id, request)
    return json_reply({"error": "no such book"}, status=404)


def _from_store(store: tuple[str, int], book_id: str, request: Request) -> Reply:
    try:
        value = ask(f"GET stars/{book_id}", store, timeout=STORE_SECONDS)
        return json_reply({"stars": parse_stars(value or "")}, (request.hop,))
    except StoreError as error:
        return json_reply({"error": str(error)}, status=503)
    except ValueError as error:
        return json_reply({"error": f"the store's value makes no sense: {error}"}, status=502)


if __name__ == "__main__":
    serve("ratings", partial(answer, read_address(os.environ)))
