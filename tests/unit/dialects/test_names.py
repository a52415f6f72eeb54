"""Names and small values that dialects share."""

import pytest

from weft.dialects.istio.networking.hosts import absolute_host, covers, is_host, is_host_pattern, meet
from weft.dialects.names import account_identity, canonical_service, parse_locality, service_host, visible_to
from weft.ir.inventory import TrustDomain
from weft.ir.settings import MeshSettings


def test_hosts_and_identities_take_the_mesh_s_domains() -> None:
    settings = MeshSettings(cluster_domain="corp.test", trust_domain=TrustDomain("trust.test"))
    assert service_host("Reviews", "shop", settings) == "reviews.shop.svc.corp.test"
    assert account_identity("shop", "web", settings) == "spiffe://trust.test/ns/shop/sa/web"


@pytest.mark.parametrize(
    ("text", "locality"),
    [
        ("", ("", "", "")),
        ("eu", ("eu", "", "")),
        ("eu/a", ("eu", "a", "")),
        ("eu/a/r1", ("eu", "a", "r1")),
        ("eu.a.r1", ("eu", "a", "r1")),
        ("eu.west/a", ("eu.west", "a", "")),
    ],
)
def test_localities(text: str, locality: tuple[str, str, str]) -> None:
    assert parse_locality(text) == locality


@pytest.mark.parametrize(
    ("stated", "default", "expected"),
    [
        ((), None, None),
        ((), (".", "b"), ("b", "own")),
        ((), ("~",), ()),
        (("*",), ("b",), None),
        ((".",), None, ("own",)),
        (("~",), None, ()),
        (("b", "a", "own", "."), None, ("a", "b", "own")),
    ],
)
def test_visibility(stated: tuple[str, ...], default: tuple[str, ...] | None, expected: tuple[str, ...] | None) -> None:
    assert visible_to(stated, "own", default) == expected


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({}, ("web", "latest")),
        ({"app": "a", "version": "v1"}, ("a", "v1")),
        ({"app": "a", "app.kubernetes.io/name": "b", "version": "1", "app.kubernetes.io/version": "2"}, ("b", "2")),
        (
            {
                "app.kubernetes.io/name": "b",
                "service.istio.io/canonical-name": "c",
                "app.kubernetes.io/version": "2",
                "service.istio.io/canonical-revision": "3",
            },
            ("c", "3"),
        ),
        ({"app": ""}, ("web", "latest")),
    ],
)
def test_canonical_service_and_revision(labels: dict[str, str], expected: tuple[str, str]) -> None:
    assert canonical_service(labels, "web") == expected


def test_an_absolute_host_stays_as_it_is() -> None:
    once = absolute_host("a", "shop", "cluster.local")
    assert absolute_host(once, "other", "cluster.local") == once == "a.shop.svc.cluster.local"
    assert absolute_host("*", "shop", "cluster.local") == "*"


@pytest.mark.parametrize(
    ("pattern", "host", "inside", "common"),
    [
        ("*", "a.test", True, True),
        ("*", "*", True, True),
        ("*.test", "a.test", True, True),
        ("*.test", "*.a.test", True, True),
        ("*.a.test", "*.test", False, True),
        ("a.test", "*.test", False, True),
        ("*.test", "test", False, False),
        ("a.test", "a.test", True, True),
        ("a.test", "b.test", False, False),
        ("*-dev.test", "a-dev.test", True, True),
    ],
)
def test_patterns_of_hosts(pattern: str, host: str, inside: bool, common: bool) -> None:
    assert covers(pattern, host) is inside
    assert meet(pattern, host) is common
    assert meet(host, pattern) is common


@pytest.mark.parametrize("text", ["a", "a.b", "A.B.", "a_b.c", "x" * 63, "1.2.3.4"])
def test_hosts(text: str) -> None:
    assert is_host(text)
    assert is_host_pattern(text)


@pytest.mark.parametrize(
    "text", ["", "a b", "-a", "a-.b", "a..b", "x" * 64, "a/b", "a.*", "*a*", ".".join(["a" * 50] * 6)]
)
def test_texts_that_are_no_hosts(text: str) -> None:
    assert not is_host(text)
    assert not is_host_pattern(text)


@pytest.mark.parametrize("text", ["*", "*.a", "*-a.b", "*a.b"])
def test_patterns_are_no_hosts(text: str) -> None:
    assert not is_host(text)
    assert is_host_pattern(text)
