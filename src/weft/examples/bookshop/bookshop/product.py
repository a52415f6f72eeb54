"""Everything about one book, gathered from `details` and `reviews`; each of them may be missing."""

from collections.abc import Callable
from typing import Any, Final, Generic, NamedTuple, TypeVar

from .client import CallError, get_json
from .messages import Hop, Json, Request, read_hops

CALL_SECONDS: Final = 10.0
T = TypeVar("T")


class Sources(NamedTuple):
    """Where the services are."""

    details: str
    reviews: str


class Book(NamedTuple):
    """What `details` knows of a book, and (id, title) of the others on the shelf."""

    id: str
    title: str
    author: str
    year: int
    pages: int
    price: str
    blurb: str
    others: tuple[tuple[str, str], ...]


class Review(NamedTuple):
    """What a reader wrote, and the stars given; None where they are not known."""

    reader: str
    text: str
    stars: int | None


class Reviews(NamedTuple):
    """The answer of one version of `reviews`; `problem` says why there are no stars."""

    version: str
    style: str
    reviews: tuple[Review, ...]
    problem: str


class Product(NamedTuple):
    """A book as far as it could be gathered, why parts are missing, and the hops that it took."""

    book: Book | None
    reviews: Reviews | None
    problems: dict[str, str]
    hops: tuple[Hop, ...]


class MissingBookError(Exception):
    """The shop does not have this book."""


class _Part(NamedTuple, Generic[T]):
    value: T | None
    problem: str = ""
    status: int = 200
    hops: tuple[Hop, ...] = ()


def read_book(body: Json) -> Book:
    """The book in an answer of `details`. KeyError, TypeError or ValueError if it has another shape."""
    book = body["book"]
    book_id, title, author, price, blurb = (str(book[key]) for key in ("id", "title", "author", "price", "blurb"))
    others = tuple((str(other["id"]), str(other["title"])) for other in book["others"])
    year, pages = int(book["year"]), int(book["pages"])
    return Book(book_id, title, author, year=year, pages=pages, price=price, blurb=blurb, others=others)


def read_reviews(body: Json) -> Reviews:
    """The reviews in an answer of `reviews`. KeyError, TypeError or ValueError if it has another shape."""
    stars: dict[str, Any] = body.get("stars", {})
    found = tuple(_read_review(review, stars) for review in body["reviews"])
    return Reviews(str(body["version"]), str(body["style"]), found, str(body.get("problem", "")))


def _read_review(review: Json, stars: dict[str, Any]) -> Review:
    reader = str(review["reader"])
    return Review(reader, str(review["text"]), int(stars[reader]) if reader in stars else None)


def gather(sources: Sources, book_id: str, request: Request) -> Product:
    """Ask both services. What fails is named in `problems`; MissingBookError if `details` says that there is none."""
    book = _ask(f"{sources.details}/books/{book_id}", request, read_book)
    if book.status == 404:
        raise MissingBookError(book_id)
    reviews = _ask(f"{sources.reviews}/reviews/{book_id}", request, read_reviews)
    problems = {"details": book.problem, "reviews": reviews.problem}
    return Product(
        book.value,
        reviews.value,
        problems={service: problem for service, problem in problems.items() if problem},
        hops=(request.hop, *book.hops, *reviews.hops),
    )


def _ask(url: str, request: Request, read: Callable[[Json], T]) -> _Part[T]:
    try:
        body = get_json(url, request.forward, timeout=CALL_SECONDS)
        return _Part(read(body), hops=read_hops(body))
    except CallError as error:
        return _Part(None, problem=str(error), status=error.status)
    except (AttributeError, KeyError, TypeError, ValueError):
        return _Part(None, problem="the answer has another form")
