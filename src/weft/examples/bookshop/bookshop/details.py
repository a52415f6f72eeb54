"""What the shop knows about each book: `GET /books/<id>`."""

from typing import Final

from .messages import Reply, Request, json_reply
from .web import serve

BOOKS: Final = {
    "1": {
        "title": "The Patient Loom",
        "author": "Mirela Oksanen",
        "year": 2019,
        "pages": 312,
        "price": "€ 18.50",
        "blurb": "A weaver's daughter maps her city by its threads, and finds one that nobody has ever spun. "
        "A slow, warm mystery about work done with the hands.",
    },
    "2": {
        "title": "Small Engines of the Sea",
        "author": "Teodor Valbrandt",
        "year": 2021,
        "pages": 188,
        "price": "€ 14.00",
        "blurb": "Nine boats, nine engines, and the people who keep them running through one northern winter.",
    },
    "3": {
        "title": "A Field Guide to Quiet",
        "author": "Ngaio Ferreira",
        "year": 2016,
        "pages": 240,
        "price": "€ 22.00",
        "blurb": "Where to find silence, how to tell its kinds apart, and why the best of it is never quite silent.",
    },
    "4": {
        "title": "Lanterns for the Night Post",
        "author": "Ioan Castellane",
        "year": 2023,
        "pages": 401,
        "price": "€ 19.90",
        "blurb": "The last postal riders of the mountains deliver a letter that is addressed to all of them.",
    },
}


def answer(request: Request) -> Reply:
    """The book that the path names, with the titles of the others."""
    match request.segments:
        case ("books", book_id) if book_id in BOOKS:
            others = [{"id": other, "title": book["title"]} for other, book in BOOKS.items() if other != book_id]
            book = {"id": book_id, **BOOKS[book_id], "others": others}
            return json_reply({"book": book}, (request.hop,))
    return json_reply({"error": "no such book"}, status=404)


if __name__ == "__main__":
    serve("details", answer)
