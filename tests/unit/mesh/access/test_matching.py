"""Values hold as their keys say; what is absent matches nothing, and nothing that is excluded (A4)."""

from typing import Any

import pytest
from tests.unit.mesh.access.policies import A, call, rule

from weft.ir.values import Condition, LabelTerm, Selector, Text
from weft.mesh.access.context import HttpRequest
from weft.mesh.access.matching import condition_holds, rule_matches
from weft.mesh.access.texts import address_holds, port_holds, text_holds

TEAM: LabelTerm = ("team", "in", ("a",))


@pytest.mark.parametrize(
    ("text", "yes", "no"),
    [
        (("exact", "a"), "a", "A"),
        (("iexact", "Ab"), "aB", "a"),
        (("prefix", "ab"), "abc", "bab"),
        (("iprefix", "AB"), "aBc", "cab"),
        (("suffix", "bc"), "abc", "bcd"),
        (("regex", "a.c"), "abc", "abcd"),
        (("glob", "a*c.d"), "a/b/c.d", "abcxd"),
        (("present", ""), "", None),
        (("template", "/a/{*}"), "/a/b", "/a/b/c"),
        (("template", "/a/{*}"), "/a/%20", "/a/"),
        (("template", "/a/{**}"), "/a/", "/a"),
        (("template", "/a/{**}/z"), "/a/b/c/z", "/a/z/b"),
        (("template", "/a.b/{*}"), "/a.b/c", "/axb/c"),
    ],
)
def test_forms_of_texts(text: Text, yes: str, no: str | None) -> None:
    assert text_holds(text, yes)
    assert no is None or not text_holds(text, no)


@pytest.mark.parametrize(
    ("block", "address", "holds"),
    [
        ("10.0.0.0/8", "10.255.0.1", True),
        ("10.1.2.3/8", "10.9.9.9", True),
        ("10.0.0.1", "10.0.0.1", True),
        ("10.0.0.1", "10.0.0.2", False),
        ("::/0", "10.0.0.1", False),
        ("fd00::/8", "fd12::1", True),
    ],
)
def test_blocks_hold_their_addresses(block: str, address: str, holds: bool) -> None:
    assert address_holds(block, address) is holds


@pytest.mark.parametrize(
    ("ports", "holds"),
    [
        ("tcp:80", True),
        ("any:80", True),
        ("udp:80", False),
        ("tcp:79-81", True),
        ("tcp:81-90", False),
        ("tcp:8", False),
    ],
)
def test_ports_hold_numbers_of_their_protocol(ports: str, holds: bool) -> None:
    assert port_holds(ports, 80) is holds


def test_a_named_port_must_have_been_resolved() -> None:
    with pytest.raises(ValueError, match="http"):
        port_holds("tcp:http", 80)


KNOWN: dict[str, tuple[dict[str, Any], Text | Selector | str, Text | Selector | str]] = {
    "peer.identity": ({}, ("exact", A), ("exact", "x")),
    "peer.namespace": ({}, ("exact", "n"), ("exact", "m")),
    "peer.account": ({}, ("exact", "n/a"), ("exact", "a")),
    "peer.domain": ({}, ("exact", "cluster.local"), ("exact", "x")),
    "peer.workload": (
        {"workload": ("n", (("team", "a"),))},
        Selector(("n",), labels=(TEAM,)),
        Selector(("m",), labels=(TEAM,)),
    ),
    "tls.name": ({"tls_name": "a.b"}, ("suffix", ".b"), ("exact", "a")),
    "token.audience": ({"tokens": (("token.audience", "x"), ("token.audience", "y"))}, ("exact", "y"), ("exact", "z")),
    "request.header:x": (
        {"request": HttpRequest(host="h", headers=(("x", "1"), ("x", "2")))},
        ("exact", "2"),
        ("exact", "1,2"),
    ),
    "route": ({"route": "r"}, ("exact", "r"), ("exact", "s")),
}


@pytest.mark.parametrize("key", KNOWN)
def test_what_is_there_is_compared_and_what_is_absent_is_not(key: str) -> None:
    known, yes, no = KNOWN[key]
    there = call(A, **known)
    absent = call(None, request=HttpRequest(host="h"))
    assert [condition_holds(Condition(key, (each,)), there) for each in (yes, no)] == [True, False]
    assert [condition_holds(Condition(key, None, (each,)), there) for each in (yes, no)] == [False, True]
    assert condition_holds(Condition(key, (yes,)), absent) is False
    assert condition_holds(Condition(key, None, (yes,)), absent) is True


def test_both_sides_of_a_condition_must_hold() -> None:
    condition = Condition("peer.identity", (("prefix", "spiffe://cluster.local/"),), (("exact", A),))
    assert condition_holds(condition, call(A)) is False
    assert condition_holds(condition, call("spiffe://cluster.local/ns/n/sa/c")) is True


def test_addresses_and_ports_are_always_there() -> None:
    context = call(None, client="1.1.1.1")
    for key, value in (("peer.address", "10.1.1.1"), ("local.address", "10.1.1.2"), ("client.address", "1.1.1.1")):
        assert condition_holds(Condition(key, (value,)), context) is True
    assert condition_holds(Condition("client.address", ("10.1.1.1",)), call(None)) is True
    assert condition_holds(Condition("port", ("tcp:8080",)), context) is True


def test_a_host_ignores_case_and_keeps_its_port_and_a_path_has_no_query() -> None:
    context = call(None, request=HttpRequest(host="Shop:80", path="/a?b#c"))
    assert condition_holds(Condition("request.host", (("exact", "shop:80"),)), context) is True
    assert condition_holds(Condition("request.host", (("exact", "shop"),)), context) is False
    assert condition_holds(Condition("request.path", (("exact", "/a"),)), context) is True


def test_an_alias_is_the_domain() -> None:
    context = call("spiffe://old/ns/n/sa/a", domains=("cluster.local", "old"))
    assert condition_holds(Condition("peer.identity", (("exact", A),)), context) is True
    assert condition_holds(Condition("peer.identity", None, (("exact", A),)), context) is False
    assert condition_holds(Condition("peer.domain", (("exact", "cluster.local"),)), context) is True


def test_an_empty_list_matches_nothing() -> None:
    for judged in ("request", "connection"):
        assert condition_holds(Condition("request.method", ()), call(A, judged=judged)) is False
    assert rule_matches(rule("allow", sources=()), call(A)) is False


def test_an_unknown_attribute_is_never_guessed() -> None:
    with pytest.raises(ValueError, match=r"peer\.class"):
        condition_holds(Condition("peer.class", (("exact", "host"),)), call(A))
