"""What must be seen in the bookshop, by the word of its author: `src/weft/examples/bookshop`, in particular
20-traffic.yaml and 30-security.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from weft.apps.demo.attempts import CLOSED, DATA, Attempt, Request, ask_store, visit
from weft.apps.demo.calls import OUTSIDE

TRUST_DOMAIN: Final = "cluster.local"

Shares = Mapping[str, float]

SHARES: Final[Shares] = MappingProxyType({"v1": 0.80, "v2": 0.15, "v3": 0.05})
"""How requests are split over the versions of reviews."""

TESTERS_VERSION: Final = "v3"

CALLS: Final = (
    (OUTSIDE, "gateway"),
    ("gateway", "productpage"),
    ("visitor", "productpage"),
    ("productpage", "details"),
    ("productpage", "reviews v1"),
    ("productpage", "reviews v2"),
    ("productpage", "reviews v3"),
    ("reviews v2", "ratings"),
    ("reviews v3", "ratings"),
    ("ratings", "store"),
)
"""Who may call whom, in the order in which a request goes."""

ALLOWED: Final = (
    Attempt(
        caller="visitor",
        called="productpage",
        command=visit("http://productpage.bookshop:8080/"),
        answers=("200",),
        outcome="answered",
    ),
    Attempt(
        caller="ratings",
        called="store",
        command=ask_store("GET stars/1"),
        answers=(DATA,),
        outcome="answered",
    ),
)

REFUSED: Final = (
    Attempt(
        caller="visitor",
        called="ratings",
        command=visit("http://ratings.bookshop:8080/ratings/1"),
        answers=("403",),
        outcome="denied",
        policies=("no-visitors-at-ratings",),
    ),
    Attempt(
        caller="visitor",
        called="details",
        command=visit("http://details.bookshop:8080/books/1"),
        answers=("403",),
        outcome="not allowed",
        policies=("allow-nothing", "details-callers"),
    ),
    Attempt(
        caller="productpage",
        called="ratings",
        command=visit("http://ratings:8080/ratings/1"),
        answers=("403",),
        outcome="not allowed",
        policies=("allow-nothing", "ratings-callers"),
    ),
    Attempt(
        caller="gateway",
        called="productpage",
        what="POST /",
        request=Request("/", method="POST"),
        answers=("403",),
        outcome="not allowed",
        policies=("allow-nothing", "productpage-callers"),
    ),
    Attempt(
        caller="details",
        called="store",
        command=ask_store("GET stars/1"),
        answers=CLOSED,
        outcome="not allowed",
        policies=("allow-nothing", "store-callers"),
    ),
    Attempt(
        caller="legacy",
        called="productpage",
        command=visit("http://productpage.bookshop:8080/"),
        answers=CLOSED,
        outcome="plain text",
        policies=("default",),
    ),
    Attempt(
        caller=OUTSIDE,
        called="gateway",
        what="/shelf",
        request=Request("/shelf"),
        answers=("404",),
        outcome="no route",
    ),
    Attempt(
        caller=OUTSIDE,
        called="gateway",
        what="other host",
        request=Request("/", host="elsewhere.example"),
        answers=("404",),
        outcome="no route",
    ),
)
