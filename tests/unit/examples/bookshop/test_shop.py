"""The services together, each as a process of its own."""

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from tests.unit.examples.bookshop.running import Running, Start, serving

from weft.examples.bookshop.bookshop.messages import FORWARDED, Reply, Request, json_reply

XFCC = 'By=spiffe://x/ns/a/sa/b;Hash=0;Subject="CN=a,O=b";URI=spiffe://cluster.local/ns/{}/sa/{}'
NOWHERE = "http://127.0.0.1:1"


@pytest.fixture(scope="module")
def backends(start: Start) -> dict[str, str]:
    """Addresses of all services behind the product page."""
    store = start("store")
    ratings = start("ratings", STORE=f"127.0.0.1:{store.port}")
    details = start("details")
    versions = {v: start("reviews", VERSION=v, RATINGS_URL=ratings.url).url for v in ("v1", "v2", "v3")}
    return {"ratings": ratings.url, "details": details.url, **versions}


@pytest.fixture(scope="module")
def front(start: Start, backends: dict[str, str]) -> Running:
    return start("productpage", DETAILS_URL=backends["details"], REVIEWS_URL=backends["v3"])


def product(running: Running, book: str = "1", **headers: str) -> dict[str, Any]:
    answer = running.get(f"/api/products/{book}", **headers)
    assert answer.status == 200
    body = json.loads(answer.text)
    assert isinstance(body, dict)
    return body


def test_page_shows_book_reviews_stars_and_version(front: Running) -> None:
    page = front.get("/")
    assert page.status == 200
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    for text in ("<h1>The Patient Loom</h1>", "Mirela Oksanen", "missed my stop twice", "reviews v3"):
        assert text in page.text
    assert 'class="stars gold" role="img" aria-label="4 of 5 stars">★★★★☆' in page.text


def test_page_says_who_took_part_and_who_called(front: Running) -> None:
    page = front.get("/", x_forwarded_client_cert=XFCC.format("bookshop-ingress", "gateway"))
    assert "<code>cluster.local/ns/bookshop-ingress/sa/gateway</code>" in page.text
    assert page.text.count("nobody known (plain text)") == 3


def test_every_book_of_the_shelf_has_a_page(front: Running) -> None:
    for book in ("1", "2", "3", "4"):
        assert front.get(f"/books/{book}").status == 200


@pytest.mark.parametrize("path", ["/books/99", "/books/1/2", "/books/../etc", "/elsewhere", "/books/%3Cb%3E"])
def test_unknown_page_is_a_404_for_people(front: Running, path: str) -> None:
    page = front.get(path)
    assert page.status == 404
    assert "<h1>Not on our shelf</h1>" in page.text


def test_unknown_product_is_a_404_for_programs(front: Running) -> None:
    for path in ("/api/products/99", "/api/products/a", "/api/elsewhere"):
        answer = front.get(path)
        assert (answer.status, json.loads(answer.text)) == (404, {"error": "no such product"})


def test_product_lists_hops_in_the_order_of_calls(front: Running) -> None:
    hops = product(front)["hops"]
    assert [(hop["service"], hop["version"]) for hop in hops] == [
        ("productpage", "v1"),
        ("details", "v1"),
        ("reviews", "v3"),
        ("ratings", "v1"),
    ]


def test_only_the_last_certificate_counts_as_the_caller(front: Running) -> None:
    """Earlier entries were sent by the caller, who can write what he likes."""
    header = f"{XFCC.format('forged', 'admin')},{XFCC.format('visitors', 'visitor')}"
    assert product(front, x_forwarded_client_cert=header)["hops"][0]["caller"] == "cluster.local/ns/visitors/sa/visitor"


@pytest.mark.parametrize(("version", "style", "stars"), [("v1", "none", None), ("v2", "ink", 5), ("v3", "gold", 5)])
def test_versions_of_reviews_differ(
    start: Start, backends: dict[str, str], version: str, style: str, stars: int | None
) -> None:
    front = start("productpage", DETAILS_URL=backends["details"], REVIEWS_URL=backends[version])
    body = product(front)
    assert (body["reviews"]["version"], body["reviews"]["style"]) == (version, style)
    assert body["reviews"]["reviews"][0]["stars"] == stars
    assert ("ratings" in [hop["service"] for hop in body["hops"]]) == (version != "v1")


def test_unknown_version_of_reviews_does_not_start(start: Start) -> None:
    with pytest.raises(AssertionError, match="must be one of v1, v2, v3"):
        start("reviews", VERSION="v9")


def test_page_without_reviews_still_shows_the_book(start: Start, backends: dict[str, str]) -> None:
    front = start("productpage", DETAILS_URL=backends["details"], REVIEWS_URL=NOWHERE)
    page = front.get("/")
    assert page.status == 200
    assert "<h1>The Patient Loom</h1>" in page.text
    assert "This part is missing: 127.0.0.1: " in page.text
    assert list(product(front)["problems"]) == ["reviews"]


def test_page_without_details_still_shows_the_reviews(start: Start, backends: dict[str, str]) -> None:
    front = start("productpage", DETAILS_URL=NOWHERE, REVIEWS_URL=backends["v1"])
    page = front.get("/")
    assert page.status == 200
    assert "missed my stop twice" in page.text
    assert list(product(front)["problems"]) == ["details"]


def test_reviews_without_ratings_are_still_reviews(start: Start) -> None:
    reviews = start("reviews", VERSION="v2", RATINGS_URL=NOWHERE)
    body = json.loads(reviews.get("/reviews/1").text)
    assert [review["reader"] for review in body["reviews"]] == ["ines", "tomas"]
    assert body["problem"]


def test_ratings_without_store_answer_503(start: Start) -> None:
    ratings = start("ratings", STORE="127.0.0.1:1")
    answer = ratings.get("/ratings/1")
    assert answer.status == 503
    assert "the store can't be reached" in answer.text


class Recorder:
    """Stands for details and reviews: keeps what was asked, and answers what it is given."""

    def __init__(self, body: dict[str, Any], status: int = 200) -> None:
        self.body, self.status = body, status
        self.seen: list[Request] = []

    def __call__(self, request: Request) -> Reply:
        self.seen.append(request)
        return json_reply({**self.body, "hops": []}, status=self.status)


EVIL = "<script>alert('1')</script>\"&"
EVIL_BODY = {
    "book": {
        **dict.fromkeys(("id", "title", "author", "price", "blurb"), EVIL),
        "year": 1,
        "pages": 2,
        "others": [{"id": EVIL, "title": EVIL}],
    },
    **dict.fromkeys(("version", "style", "problem"), EVIL),
    "stars": {EVIL: 99},
    "reviews": [{"reader": EVIL, "text": EVIL}],
}


@pytest.fixture
def evil(start: Start) -> Iterator[tuple[Recorder, Running]]:
    recorder = Recorder(EVIL_BODY)
    with serving(recorder) as port:
        address = f"http://127.0.0.1:{port}"
        yield recorder, start("productpage", DETAILS_URL=address, REVIEWS_URL=address)


def test_text_of_other_services_is_escaped(evil: tuple[Recorder, Running]) -> None:
    page = evil[1].get("/")
    assert page.status == 200
    assert "<script" not in page.text.lower()
    assert "&lt;script&gt;alert(&#x27;1&#x27;)&lt;/script&gt;&quot;&amp;" in page.text
    assert "★★★★★<" in page.text


def test_trace_and_user_are_passed_on_and_nothing_else(evil: tuple[Recorder, Running]) -> None:
    recorder, front = evil
    sent = {name: f"value-{name}" for name in FORWARDED}
    front.get("/", **sent, authorization="secret", cookie="secret")
    assert [request.forward for request in recorder.seen] == [sent, sent]


@pytest.mark.parametrize(
    ("path", "header", "user"),
    [("/?as=tester", "", "tester"), ("/", "ruth", "ruth"), ("/?as=a%0d%0ab:c", "", ""), ("/", "<b>", "")],
)
def test_user_comes_from_query_or_header_if_plain(
    evil: tuple[Recorder, Running], path: str, header: str, user: str
) -> None:
    recorder, front = evil
    front.get(path, **({"end_user": header} if header else {}))
    assert [request.forward.get("end-user", "") for request in recorder.seen] == [user, user]


@pytest.mark.parametrize(
    "body",
    [{}, {"book": None, "reviews": None}, {"book": {}, "reviews": [{}]}, {"book": [], "reviews": 5, "stars": []}],
)
def test_answers_of_another_form_are_named_as_problems(start: Start, body: dict[str, Any]) -> None:
    with serving(Recorder(body)) as port:
        address = f"http://127.0.0.1:{port}"
        front = start("productpage", DETAILS_URL=address, REVIEWS_URL=address)
        expected = "the answer has another form"
        assert product(front)["problems"] == {"details": expected, "reviews": expected}
        assert front.get("/").status == 200


def test_mesh_error_is_named_as_problem(start: Start) -> None:
    with serving(Recorder({}, status=403)) as port:
        address = f"http://127.0.0.1:{port}"
        front = start("productpage", DETAILS_URL=address, REVIEWS_URL=address)
        assert product(front)["problems"]["details"] == "127.0.0.1 answered 403"


def test_log_has_one_escaped_line_a_request(start: Start) -> None:
    details = start("details")
    details.get("/healthz")
    with socket.create_connection(("127.0.0.1", details.port), 10) as connection:
        connection.sendall(b"GET /books/\x1b[31m1 HTTP/1.1\r\nHost: x\r\nx-request-id: one\\two\r\n\r\n")
        assert connection.recv(100)
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(65_536) is not None
    details.process.terminate()
    details.process.wait(5)
    lines = details.log.read_text().splitlines()
    assert len(lines) == 3
    assert lines[1].startswith(r"GET '/books/\x1b[31m1' 404 ")
    assert lines[1].endswith(r"caller='' id='one\\two'")
