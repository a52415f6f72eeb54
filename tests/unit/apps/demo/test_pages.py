"""A page is complete, or says what is missing of it."""

import json

import pytest

from weft.apps.demo.pages import read_page

HOPS = [
    {"service": "productpage", "version": "v1", "caller": "cluster.local/ns/bookshop-ingress/sa/gateway"},
    {"service": "reviews", "version": "v2", "caller": "cluster.local/ns/bookshop/sa/productpage"},
]


def body(**changes: object) -> bytes:
    return json.dumps({"id": "1", "reviews": {"problem": ""}, "problems": {}, "hops": HOPS} | changes).encode()


def test_a_complete_page() -> None:
    page = read_page(200, body())
    assert (page.problem, page.version) == ("", "v2")
    assert [(hop.service, hop.caller) for hop in page.hops] == [(hop["service"], hop["caller"]) for hop in HOPS]


@pytest.mark.parametrize(
    ("status", "content", "problem"),
    [
        (503, b"no healthy upstream", "status 503"),
        (200, b"<html>", "can't be read"),
        (200, body(problems={"details": "details answered 503"}), "details answered 503"),
        (200, body(reviews={"problem": "ratings answered 403"}), "ratings answered 403"),
        (200, body(reviews=None, problems={"reviews": "reviews: took too long"}), "took too long"),
    ],
)
def test_what_is_missing_is_said(status: int, content: bytes, problem: str) -> None:
    assert problem in read_page(status, content).problem
