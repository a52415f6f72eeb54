"""What readers say about each book: `GET /reviews/<id>`.

Version v1 knows no stars. v2 asks the service `ratings` for them, and v3 has them shown in another colour.
"""

import os
from functools import partial
from typing import Final

from .client import CallError, get_json
from .messages import Hop, Json, Reply, Request, json_reply, read_hops
from .web import serve

RATINGS_SECONDS: Final = 3.0
STYLES: Final = {"v1": "none", "v2": "ink", "v3": "gold"}
REVIEWS: Final = {
    "1": {
        "ines": "I missed my stop twice because of this book, and was glad both times.",
        "tomas": "The first hundred pages take their time. After that I would not have them any shorter.",
    },
    "2": {
        "ruth": "You can smell the diesel. The chapter about the pilot boat is worth the price alone.",
        "ines": "Lovely, but I wanted a map.",
    },
    "3": {
        "okoye": "Read it in a library, of all places. It knew.",
        "tomas": "A useful book that pretends not to be one.",
    },
    "4": {
        "ruth": "Four hundred pages, one letter, no regrets.",
        "okoye": "The horses are better drawn than some of the riders, but what horses!",
    },
}


def read_stars(body: Json) -> dict[str, int]:
    """Stars by reader from an answer of `ratings`. ValueError, TypeError, KeyError or AttributeError if it is none."""
    return {str(reader): min(5, max(0, int(stars))) for reader, stars in body["stars"].items()}


def ask_ratings(url: str, request: Request) -> tuple[Json, tuple[Hop, ...]]:
    """Stars by reader and the hops behind them, or the problem that kept them away."""
    try:
        body = get_json(url, request.forward, timeout=RATINGS_SECONDS)
        return {"stars": read_stars(body)}, read_hops(body)
    except CallError as error:
        return {"stars": {}, "problem": str(error)}, ()
    except (AttributeError, KeyError, TypeError, ValueError):
        return {"stars": {}, "problem": "ratings answered in another form"}, ()


def answer(version: str, ratings_url: str, request: Request) -> Reply:
    """The reviews of the book that the path names. Without ratings they are still reviews."""
    match request.segments:
        case ("reviews", book_id) if book_id in REVIEWS:
            style = STYLES[version]
            rated, hops = ({}, ()) if style == "none" else ask_ratings(f"{ratings_url}/ratings/{book_id}", request)
            texts = [{"reader": reader, "text": text} for reader, text in REVIEWS[book_id].items()]
            return json_reply({"version": version, "style": style, "reviews": texts, **rated}, (request.hop, *hops))
    return json_reply({"error": "no such book"}, status=404)


def main() -> None:
    """Serve the version that VERSION names."""
    version = os.environ.get("VERSION", "v1")
    if version not in STYLES:
        raise SystemExit(f"VERSION is {version!r}, but must be one of {', '.join(STYLES)}")
    serve("reviews", partial(answer, version, os.environ.get("RATINGS_URL", "http://ratings:8080")))


if __name__ == "__main__":
    main()
