"""The product page as HTML: one document with its style inside, and no script."""

from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from .markup import Markup, element
from .messages import Hop
from .product import Book, Product, Review, Reviews

STYLE: Final = Markup(Path(__file__).with_name("style.css").read_text(encoding="utf-8"))
POLICY: Final = (
    "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    f"style-src 'sha256-{b64encode(sha256(STYLE.encode()).digest()).decode()}'"
)
HEADERS: Final = (
    ("Content-Type", "text/html; charset=utf-8"),
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", POLICY),
)
ICON: Final = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"
    "%3Cpath fill='%2334408a' d='M2 1h10a2 2 0 0 1 2 2v12H4a2 2 0 0 1-2-2z'/%3E"
    "%3Cpath stroke='%23fff' d='M5 5h6M5 8h6M5 11h4'/%3E%3C/svg%3E"
)


def render_product(product: Product, user: str) -> bytes:
    """The page of a product, with whatever parts of it there are."""
    title = product.book.title if product.book else "A book without details"
    parts = [
        _book(product.book) if product.book else _missing("details", "About this book", product.problems),
        _reviews(product.reviews) if product.reviews else _missing("reviews", "What readers say", product.problems),
        _shelf(product.book.others, user) if product.book else Markup(),
        _hops(product.hops),
    ]
    return _document(title, parts, user)


def render_not_found(user: str) -> bytes:
    """The page for a book that the shop does not have."""
    home = element("a", "Back to the shop", href=_link("/", user))
    text = element("p", "We don't have this book. ", home)
    return _document("Not on our shelf", [element("section", element("h1", "Not on our shelf"), text)], user)


def _document(title: str, parts: Iterable[Markup], user: str) -> bytes:
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", f"{title} · Warp & Weft Books"),
        element("link", rel="icon", href=ICON),
        element("style", STYLE),
    )
    brand = element("a", "Warp & Weft Books", class_="brand", href=_link("/", user))
    top = element("header", brand, _who(user), class_="top")
    page = element("div", top, element("main", *parts), class_="page")
    body = element("body", element("div", class_="selvage"), page)
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n".encode()


def _link(path: str, user: str) -> str:
    return f"{path}?{urlencode({'as': user})}" if user else path


def _who(user: str) -> Markup:
    if user:
        return element("span", "You browse as ", element("b", user), ". ", element("a", "Stop", href="/"), class_="who")
    return element("a", "Browse as tester", href=_link("/", "tester"), class_="who")


def _book(book: Book) -> Markup:
    cloth = f"cloth-{sum(book.id.encode()) % 4}"
    cover = element(
        "div", element("span", book.title), element("small", book.author), class_=f"cover {cloth}", aria_hidden="true"
    )
    text = element(
        "div",
        element("h1", book.title),
        element("p", f"{book.author} · {book.year} · {book.pages} pages", class_="byline"),
        element("p", book.blurb),
        element("p", book.price, class_="price"),
    )
    return element("article", cover, text, class_="book")


def _reviews(reviews: Reviews) -> Markup:
    heading = _heading("What readers say", element("span", f"reviews {reviews.version}", class_="badge"))
    quotes = [_review(review, reviews.style) for review in reviews.reviews]
    note = element("p", f"No stars right now: {reviews.problem}.", class_="problem") if reviews.problem else Markup()
    return element("section", heading, *quotes, note)


def _review(review: Review, style: str) -> Markup:
    stars = Markup() if review.stars is None else _stars(review.stars, style)
    return element("blockquote", element("p", review.text), element("footer", review.reader.capitalize(), stars))


def _stars(count: int, style: str) -> Markup:
    full = max(0, min(5, count))
    kind = "gold" if style == "gold" else "ink"
    shown = "★" * full + "☆" * (5 - full)
    return element("span", shown, class_=f"stars {kind}", role="img", aria_label=f"{full} of 5 stars")


def _missing(service: str, title: str, problems: dict[str, str]) -> Markup:
    why = f"This part is missing: {problems.get(service, 'no answer')}."
    return element("section", _heading(title), element("p", why, class_="problem"))


def _shelf(others: Iterable[tuple[str, str]], user: str) -> Markup:
    links = [element("li", element("a", title, href=_link(f"/books/{other}", user))) for other, title in others]
    return element("section", _heading("Also on the shelf"), element("ul", *links, class_="shelf"))


def _hops(hops: Iterable[Hop]) -> Markup:
    head = element("tr", *(element("th", text, scope="col") for text in ("Service", "Version", "Called by")))
    rows = [element("tr", *(element("td", cell) for cell in (hop.service, hop.version, _caller(hop)))) for hop in hops]
    table = element("table", element("thead", head), element("tbody", *rows))
    note = element("p", "The identity is the one that each service's sidecar has verified.", class_="note")
    return element("section", _heading("How this page was woven"), element("div", table, class_="wide"), note)


def _caller(hop: Hop) -> Markup:
    return element("code", hop.caller) if hop.caller else Markup("nobody known (plain text)")


def _heading(title: str, *more: Markup) -> Markup:
    return element("h2", title, *more)
