"""The shop's front: an HTML page at `/` and `/books/<id>`, and the same as JSON at `/api/products/<id>`."""

import os
from functools import partial
from typing import Final

from .messages import Json, Reply, Request, json_reply
from .page import HEADERS, render_not_found, render_product
from .product import MissingBookError, Product, Sources, gather
from .web import serve

FIRST_BOOK: Final = "1"


def answer(sources: Sources, request: Request) -> Reply:
    """The page or the JSON that the path names. Both are 200 even where a service behind them fails, and say so."""
    match request.segments:
        case ():
            return _page(sources, FIRST_BOOK, request)
        case ("books", book_id) if _is_id(book_id):
            return _page(sources, book_id, request)
        case ("api", "products", book_id) if _is_id(book_id):
            return _json(sources, book_id, request)
        case ("api", *_):
            return json_reply({"error": "no such product"}, status=404)
    return Reply(404, render_not_found(request.user), HEADERS)


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 10


def _page(sources: Sources, book_id: str, request: Request) -> Reply:
    try:
        return Reply(200, render_product(gather(sources, book_id, request), request.user), HEADERS)
    except MissingBookError:
        return Reply(404, render_not_found(request.user), HEADERS)


def _json(sources: Sources, book_id: str, request: Request) -> Reply:
    try:
        product = gather(sources, book_id, request)
    except MissingBookError:
        return json_reply({"error": "no such product"}, status=404)
    return json_reply({"id": book_id, **_plain(product)}, product.hops)


def _plain(product: Product) -> Json:
    book = product.book and {**product.book._asdict(), "others": [other for other, _ in product.book.others]}
    reviews = product.reviews and {
        **product.reviews._asdict(),
        "reviews": [review._asdict() for review in product.reviews.reviews],
    }
    return {"book": book, "reviews": reviews, "problems": product.problems}


def main() -> None:
    """Serve the shop; DETAILS_URL and REVIEWS_URL say where the other services are."""
    details = os.environ.get("DETAILS_URL", "http://details:8080")
    reviews = os.environ.get("REVIEWS_URL", "http://reviews:8080")
    serve("productpage", partial(answer, Sources(details, reviews)))


if __name__ == "__main__":
    main()
