"""HTTP rules of a VirtualService: matches, destinations, redirects, answers, settings."""

from typing import Any

import pytest
from tests.unit.dialects.compiling import compiled, istio, only, refused, warned

from weft.ir.routing import Backend, Cors, HttpMatch, Retry, RouteRule, RouteTable
from weft.ir.settings import DEFAULT_RETRY, MeshSettings
from weft.ir.values import Selector, Text, Transform

REVIEWS = "reviews.shop.svc.cluster.local"
TO_REVIEWS = "route: [{destination: {host: reviews}}]"


def table(http: str, **settings: Any) -> RouteTable:
    return only(compiled(service(http), **settings), RouteTable)


def service(http: str) -> Any:
    return istio("VirtualService", f"{{hosts: [reviews], http: [{http}]}}")


def rule(entry: str, **settings: Any) -> RouteRule:
    (found,) = table(f"{{{entry}}}", **settings).rules
    return found


def match(text: str) -> HttpMatch:
    matches = rule(f"match: [{{{text}}}], {TO_REVIEWS}").matches
    assert matches is not None
    (found,) = matches
    return found


# ---- matches ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("uri: {exact: /a}", HttpMatch(path=("exact", "/a"))),
        ("uri: {prefix: /a}", HttpMatch(path=("prefix", "/a"))),
        ("uri: {regex: '/a/[0-9]+'}", HttpMatch(path=("regex", "/a/[0-9]+"))),
        ("uri: {exact: /A}, ignoreUriCase: true", HttpMatch(path=("iexact", "/A"))),
        ("uri: {prefix: /A}, ignoreUriCase: true", HttpMatch(path=("iprefix", "/A"))),
        ("uri: {regex: /A}, ignoreUriCase: true", HttpMatch(path=("regex", "/A"))),
        ("scheme: {exact: https}", HttpMatch(scheme=("exact", "https"))),
        ("method: {exact: GET}", HttpMatch(method=("exact", "GET"))),
        ("method: {regex: 'GET|HEAD'}", HttpMatch(method=("regex", "GET|HEAD"))),
        ("authority: {prefix: api.}", HttpMatch(host=("prefix", "api."))),
        ("headers: {X-User: {exact: jo}}", HttpMatch(headers=(("x-user", ("exact", "jo")),))),
        (
            "headers: {b: {prefix: x}, a: {regex: y.*}}",
            HttpMatch(headers=(("a", ("regex", "y.*")), ("b", ("prefix", "x")))),
        ),
        ("headers: {x-user: {}}", HttpMatch(headers=(("x-user", ("present", "")),))),
        ("headers: {x-user: null}", HttpMatch(headers=(("x-user", ("present", "")),))),
        ("headers: {x-user: {regex: '*'}}", HttpMatch(headers=(("x-user", ("present", "")),))),
        ("headers: {x-user: {prefix: ''}}", HttpMatch(headers=(("x-user", ("present", "")),))),
        ("headers: {x-user: {exact: ''}}", HttpMatch(headers=(("x-user", ("exact", "")),))),
        ("withoutHeaders: {x-a: {exact: '1'}}", HttpMatch(not_headers=(("x-a", ("exact", "1")),))),
        ("withoutHeaders: {x-a: {}}", HttpMatch(not_headers=(("x-a", ("present", "")),))),
        ("queryParams: {Page: {exact: '2'}}", HttpMatch(query=(("Page", ("exact", "2")),))),
        ("queryParams: {debug: {}}", HttpMatch(query=(("debug", ("present", "")),))),
        ("port: 8080", HttpMatch(port=8080)),
        (
            "sourceLabels: {app: a, v: '1'}",
            HttpMatch(client=Selector(labels=(("app", "in", ("a",)), ("v", "in", ("1",))))),
        ),
        ("sourceNamespace: edge", HttpMatch(client=Selector(namespaces=("edge",)))),
    ],
)
def test_each_kind_of_match(text: str, expected: HttpMatch) -> None:
    assert match(text) == expected


def test_matches_of_one_entry_are_alternatives_and_conditions_of_one_match_a_conjunction() -> None:
    both = rule(f"match: [{{uri: {{exact: /a}}, method: {{exact: PUT}}}}, {{uri: {{exact: /b}}}}], {TO_REVIEWS}")
    assert both.matches == (
        HttpMatch(path=("exact", "/a"), method=("exact", "PUT")),
        HttpMatch(path=("exact", "/b")),
    )


@pytest.mark.parametrize("text", ["", "match: [], ", "match: [{}], ", "match: [{uri: {exact: /a}}, {}], "])
def test_no_match_and_an_empty_match_always_hold(text: str) -> None:
    assert rule(text + TO_REVIEWS).matches is None


def test_a_change_of_the_statistics_name_splits_the_rule_in_its_place() -> None:
    entry = "{match: [{uri: {exact: /a}, statPrefix: a}, {uri: {exact: /b}, statPrefix: a}, {uri: {exact: /c}}], "
    first, second = table(entry + TO_REVIEWS + "}").rules
    assert first.stat == "a"
    assert first.matches == (HttpMatch(path=("exact", "/a")), HttpMatch(path=("exact", "/b")))
    assert (second.stat, second.matches) == ("", (HttpMatch(path=("exact", "/c")),))
    assert first.rank < second.rank


def test_the_name_of_a_match_follows_that_of_its_rule() -> None:
    entry = "{name: shop, match: [{name: cart, uri: {exact: /a}}, {uri: {exact: /b}}], "
    assert [found.name for found in table(entry + TO_REVIEWS + "}").rules] == ["shop.cart", "shop"]


@pytest.mark.parametrize("field", ["headers", "withoutHeaders"])
def test_a_match_on_a_claim_of_a_token_never_holds_as_no_token_is_verified(field: str) -> None:
    entry = f"{{match: [{{{field}: {{'@request.auth.claims.group': {{exact: admin}}}}}}], {TO_REVIEWS}}}"
    result = compiled(service(f"{entry}, {{{TO_REVIEWS}}}"))
    assert warned(result) == [("WEFT0101", f'spec.http[0].match[0].{field}["@request.auth.claims.group"]')]
    (found,) = result.fragments
    assert isinstance(found, RouteTable)
    assert [each.matches for each in found.rules] == [(), None]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("uri: {regex: 'a(?=b)'}", "uri"),
        ("uri: {regex: '['}", "uri"),
        ("uri: {regex: ''}", "uri"),
        ("queryParams: {'': {exact: a}}", 'queryParams[""]'),
        ("uri: {exact: /a, prefix: /b}", "uri"),
        ("headers: {x-user: {regex: '('}}", "headers.x-user"),
        ("headers: {'x user': {exact: a}}", 'headers["x user"]'),
        ("queryParams: {q: {regex: '('}}", "queryParams.q"),
        ("port: 70000", "port"),
        ("sourceLabels: {app: 'a*'}", "sourceLabels.app"),
    ],
)
def test_a_match_that_the_api_does_not_allow_is_refused(text: str, path: str) -> None:
    errors = refused(compiled(service(f"{{match: [{{{text}}}], {TO_REVIEWS}}}")))
    assert [at for at, _ in errors] == [f"spec.http[0].match[0].{path}"]


def test_a_refused_regular_expression_says_why() -> None:
    ((_, message),) = refused(compiled(service(f"{{match: [{{uri: {{regex: 'a(?=b)'}}}}], {TO_REVIEWS}}}")))
    assert "no regular expression of RE2" in message
    assert "invalid perl operator" in message


# ---- destinations ----------------------------------------------------------------------------------------------------
def test_a_single_destination_gets_everything_whatever_its_weight() -> None:
    assert rule(TO_REVIEWS).backends == (Backend(REVIEWS, weight=100),)
    assert rule("route: [{destination: {host: reviews}, weight: 20}]").backends == (Backend(REVIEWS, weight=20),)


def test_weights_share_the_requests_and_weight_0_gets_none() -> None:
    entry = (
        "route: [{destination: {host: reviews, subset: v1}, weight: 90},"
        " {destination: {host: reviews, subset: v2}, weight: 10}, {destination: {host: old}, weight: 0}]"
    )
    assert rule(entry).backends == (Backend(REVIEWS, None, "v1", 90), Backend(REVIEWS, None, "v2", 10))


@pytest.mark.parametrize(
    ("host", "absolute"),
    [
        ("reviews", REVIEWS),
        ("Reviews", REVIEWS),
        ("reviews.other", "reviews.other"),
        ("reviews.other.svc.cluster.local", "reviews.other.svc.cluster.local"),
        ("api.example.com.", "api.example.com"),
        ("10.1.2.3", "10.1.2.3"),
    ],
)
def test_only_a_name_without_a_dot_is_short(host: str, absolute: str) -> None:
    assert rule(f"route: [{{destination: {{host: {host}}}}}]").backends[0].host == absolute


def test_short_names_take_the_mesh_s_own_domain() -> None:
    found = rule(TO_REVIEWS, settings=MeshSettings(cluster_domain="corp.test"))
    assert found.backends[0].host == "reviews.shop.svc.corp.test"


def test_a_destination_s_port_and_headers_are_its_own() -> None:
    entry = (
        "route: [{destination: {host: reviews, port: {number: 9080}},"
        " headers: {request: {set: {X-A: '1'}}, response: {remove: [Server]}}}]"
    )
    assert rule(entry).backends == (
        Backend(REVIEWS, 9080, "", 100, Transform(set=(("x-a", "1"),)), Transform(remove=("server",))),
    )


@pytest.mark.parametrize(
    ("route", "path"),
    [
        ("{destination: {host: ''}}", "route[0].destination"),
        ("{weight: 3}", "route[0].destination"),
        ("{destination: {host: 'rev iews'}}", "route[0].destination.host"),
        ("{destination: {host: a, subset: 'v 1'}}", "route[0].destination.subset"),
        ("{destination: {host: a, port: {number: 0}}}", "route[0].destination.port.number"),
        ("{destination: {host: a}, weight: -1}", "route[0].weight"),
        ("{destination: {host: a}, weight: 3000000000}", "route[0].weight"),
        ("{destination: {host: a}, weight: 0}, {destination: {host: b}, weight: 0}", "route"),
    ],
)
def test_a_destination_that_leads_nowhere_is_refused(route: str, path: str) -> None:
    errors = refused(compiled(service(f"{{route: [{route}]}}")))
    assert [at for at, _ in errors] == [f"spec.http[0].{path}"]


# ---- edits -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("entry", "request_edits", "response_edits"),
    [
        ("headers: {request: {set: {b: '2', A: '1'}}}", Transform(set=(("a", "1"), ("b", "2"))), None),
        ("headers: {request: {add: {a: '1'}}}", Transform(add=(("a", "1"),)), None),
        ("headers: {request: {remove: [B, a]}}", Transform(remove=("a", "b")), None),
        ("headers: {response: {set: {a: '1'}}}", None, Transform(set=(("a", "1"),))),
        ("headers: {request: {set: {Host: x.test}}}", Transform(host="x.test"), None),
        ("headers: {request: {add: {':authority': x.test}}}", Transform(host="x.test"), None),
        ("headers: {request: {set: {a: '100%%'}}}", Transform(set=(("a", "100%%"),)), None),
        ("headers: {request: {set: {a: '%REQ(x)%'}}}", Transform(set=(("a", "%REQ(x)%"),)), None),
        ("rewrite: {uri: /new}", Transform(prefix="/new"), None),
        ("rewrite: {authority: y.test}", Transform(host="y.test"), None),
        ("rewrite: {authority: y.test}, headers: {request: {set: {host: x.test}}}", Transform(host="y.test"), None),
        (
            "rewrite: {uriRegexRewrite: {match: '^/a/(.*)', rewrite: '/b/\\1'}}",
            Transform(path_regex=("^/a/(.*)", "/b/\\1")),
            None,
        ),
    ],
)
def test_edits_of_requests_and_responses(
    entry: str, request_edits: Transform | None, response_edits: Transform | None
) -> None:
    found = rule(f"{TO_REVIEWS}, {entry}")
    assert (found.request, found.response) == (request_edits, response_edits)


@pytest.mark.parametrize(
    ("entry", "path"),
    [
        ("headers: {request: {set: {'a b': '1'}}}", 'headers.request.set["a b"]'),
        ("headers: {request: {set: {a: '100%'}}}", "headers.request.set.a"),
        ('headers: {request: {set: {a: "x\\ny"}}}', "headers.request.set.a"),
        ("headers: {request: {remove: [Host]}}", "headers.request.remove[0]"),
        ("rewrite: {}", "rewrite"),
        ('rewrite: {authority: "x\\r\\ny"}', "rewrite.authority"),
        ('rewrite: {uri: "/x\\ny"}', "rewrite.uri"),
        ("rewrite: {uri: /a, uriRegexRewrite: {match: /b, rewrite: /c}}", "rewrite"),
        ("rewrite: {uriRegexRewrite: {match: '/b', rewrite: '/\\1'}}", "rewrite.uriRegexRewrite.rewrite"),
        ("rewrite: {uriRegexRewrite: {match: '(', rewrite: '/'}}", "rewrite.uriRegexRewrite.match"),
    ],
)
def test_edits_that_the_proxy_would_refuse_are_refused_before(entry: str, path: str) -> None:
    errors = refused(compiled(service(f"{{{TO_REVIEWS}, {entry}}}")))
    assert [at for at, _ in errors] == [f"spec.http[0].{path}"]


# ---- redirect and direct response ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("redirect", "status", "location"),
    [
        ("uri: /new", 301, Transform(path="/new")),
        ("prefixRewrite: /new", 301, Transform(prefix="/new")),
        ("authority: b.test, redirectCode: 302", 302, Transform(host="b.test")),
        ("scheme: https", 301, Transform(scheme="https")),
        ("scheme: https, port: 8443", 301, Transform(scheme="https", port=8443)),
        ("uri: /a, derivePort: FROM_REQUEST_PORT", 301, Transform(path="/a", port=0)),
        ("uri: /a, derivePort: FROM_PROTOCOL_DEFAULT", 301, Transform(path="/a")),
        ("redirectCode: 308", 308, Transform()),
    ],
)
def test_a_redirect_says_what_changes(redirect: str, status: int, location: Transform) -> None:
    found = rule(f"redirect: {{{redirect}}}")
    assert (found.action, found.status, found.request, found.backends) == ("redirect", status, location, ())


@pytest.mark.parametrize(
    ("response", "status", "body"),
    [
        ("status: 503", 503, b""),
        ("status: 200, body: {string: grüezi}", 200, "grüezi".encode()),
        ("status: 200, body: {bytes: aGk=}", 200, b"hi"),
    ],
)
def test_a_direct_response(response: str, status: int, body: bytes) -> None:
    found = rule(f"directResponse: {{{response}}}, headers: {{response: {{set: {{a: b}}}}}}")
    assert (found.action, found.status, found.body) == ("respond", status, body)
    assert found.response == Transform(set=(("a", "b"),))


@pytest.mark.parametrize(
    ("entry", "path"),
    [
        ("redirect: {}", "redirect"),
        ('redirect: {authority: "x\\r\\ny"}', "redirect.authority"),
        ('redirect: {prefixRewrite: "x\\ny"}', "redirect.prefixRewrite"),
        ("redirect: {uri: /a, redirectCode: 200}", "redirect.redirectCode"),
        ("redirect: {uri: /a, port: 0}", "redirect.port"),
        ("redirect: {uri: /a, port: 80, derivePort: FROM_REQUEST_PORT}", "redirect"),
        ("redirect: {uri: /a, prefixRewrite: /b}", "redirect"),
        ("redirect: {uri: /a}, rewrite: {uri: /b}", "rewrite"),
        ("redirect: {uri: /a}, fault: {delay: {fixedDelay: 1s, percentage: {value: 1}}}", "fault"),
        ("directResponse: {status: 99}", "directResponse.status"),
        ("directResponse: {status: 200, body: {string: a, bytes: aGk=}}", "directResponse.body"),
        ("directResponse: {status: 200}, rewrite: {uri: /b}", "rewrite"),
        ("directResponse: {status: 200}, mirror: {host: a}", "mirror"),
    ],
)
def test_answers_that_the_api_does_not_allow_are_refused(entry: str, path: str) -> None:
    errors = refused(compiled(service(f"{{{entry}}}")))
    assert [at for at, _ in errors] == [f"spec.http[0].{path}"]


def test_a_body_of_more_than_a_mebibyte_is_refused() -> None:
    errors = refused(compiled(service(f"{{directResponse: {{status: 200, body: {{string: {'x' * (2**20 + 1)}}}}}}}")))
    assert [at for at, _ in errors] == ["spec.http[0].directResponse.body"]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("name: a", "the rule does nothing"),
        (f"{TO_REVIEWS}, redirect: {{uri: /a}}", "route and redirect exclude each other"),
        (f"{TO_REVIEWS}, directResponse: {{status: 200}}", "route and directResponse exclude each other"),
        (f"{TO_REVIEWS}, delegate: {{name: a}}", "route and delegate exclude each other"),
        ("redirect: {uri: /a}, directResponse: {status: 200}", "redirect and directResponse exclude each other"),
    ],
)
def test_a_rule_has_exactly_one_action(entry: str, message: str) -> None:
    assert ("spec.http[0]", message) in refused(compiled(service(f"{{{entry}}}")))


# ---- time, retries, faults, mirrors, CORS ----------------------------------------------------------------------------
@pytest.mark.parametrize(("text", "expected"), [("2s", 2_000), ("0s", 0), ("1m30s", 90_000), ("0.5s", 500)])
def test_timeout(text: str, expected: int) -> None:
    assert rule(f"{TO_REVIEWS}, timeout: {text}").timeout == expected


def test_without_a_timeout_or_retries_the_rule_says_nothing_of_them() -> None:
    found = rule(TO_REVIEWS)
    assert (found.timeout, found.retry) == (None, None)


MESH_RETRY = Retry(attempts=2, on=("connect-failure", "5xx"))
"""The mesh's policy, of which nothing is left where a rule states its own."""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("attempts: 3", Retry(3, DEFAULT_RETRY.on)),
        ("attempts: 0", Retry(0)),
        ("attempts: 3, perTryTimeout: 2s", Retry(3, DEFAULT_RETRY.on, per_try=2_000)),
        ("attempts: 1, retryOn: 'reset, gateway-error'", Retry(1, ("reset", "gateway-error"))),
        ("attempts: 1, retryOn: 'unavailable,503'", Retry(1, ("unavailable", "503", "retriable-status-codes"))),
        ("attempts: 1, retryOn: 5xx, backoff: 10ms", Retry(1, ("5xx",), backoff=(10, 100))),
        ("attempts: 1, retryOn: 5xx, retryRemoteLocalities: true", Retry(1, ("5xx",), other_locality=True)),
        ("attempts: 1, retryOn: 5xx, retryIgnorePreviousHosts: false", Retry(1, ("5xx",), other_host=False)),
        ("attempts: 1, retryOn: 5xx, retryIgnorePreviousHosts: true", Retry(1, ("5xx",), other_host=True)),
    ],
)
def test_retries(text: str, expected: Retry) -> None:
    assert rule(f"{TO_REVIEWS}, retries: {{{text}}}", settings=MeshSettings(retry=MESH_RETRY)).retry == expected


def test_retries_that_0_attempts_make_pointless_are_pointed_out() -> None:
    result = compiled(service(f"{{{TO_REVIEWS}, retries: {{attempts: 0, retryOn: 5xx}}}}"))
    assert warned(result) == [("IST0133", "spec.http[0].retries")]


@pytest.mark.parametrize(
    ("text", "delay", "abort"),
    [
        ("delay: {fixedDelay: 5s, percentage: {value: 0.1}}", (0.001, 5_000), None),
        ("abort: {httpStatus: 503, percentage: {value: 100}}", None, (1.0, "503")),
        ("abort: {grpcStatus: UNAVAILABLE, percentage: {value: 50}}", None, (0.5, "grpc:UNAVAILABLE")),
        (
            "delay: {fixedDelay: 1s, percentage: {value: 10}}, abort: {httpStatus: 500, percentage: {value: 20}}",
            (0.1, 1_000),
            (0.2, "500"),
        ),
    ],
)
def test_faults(text: str, delay: tuple[float, int] | None, abort: tuple[float, str] | None) -> None:
    found = rule(f"{TO_REVIEWS}, fault: {{{text}}}")
    assert (found.delay, found.abort) == (delay, abort)


def test_a_fault_without_a_percentage_affects_no_request_and_says_so() -> None:
    result = compiled(service(f"{{{TO_REVIEWS}, fault: {{abort: {{httpStatus: 500}}}}}}"))
    assert warned(result) == [("IST0133", "spec.http[0].fault.abort")]
    (found,) = result.fragments
    assert isinstance(found, RouteTable)
    assert found.rules[0].abort == (0.0, "500")


def test_the_deprecated_percent_of_a_delay_still_counts() -> None:
    result = compiled(service(f"{{{TO_REVIEWS}, fault: {{delay: {{fixedDelay: 1s, percent: 25}}}}}}"))
    assert warned(result) == [("IST0002", "spec.http[0].fault.delay.percent")]
    (found,) = result.fragments
    assert isinstance(found, RouteTable)
    assert found.rules[0].delay == (0.25, 1_000)


@pytest.mark.parametrize(
    ("text", "shares"),
    [
        ("mirror: {host: copy}", [1.0]),
        ("mirror: {host: copy}, mirrorPercentage: {value: 5}", [0.05]),
        ("mirror: {host: copy}, mirrorPercentage: {value: 0}", []),
        ("mirrors: [{destination: {host: copy}}, {destination: {host: copy}, percentage: {value: 50}}]", [1.0, 0.5]),
        ("mirrors: [{destination: {host: copy}, percentage: {value: 0}}]", []),
    ],
)
def test_mirrors_copy_everything_unless_a_percentage_says_less(text: str, shares: list[float]) -> None:
    copy = Backend("copy.shop.svc.cluster.local")
    assert rule(f"{TO_REVIEWS}, {text}").mirrors == tuple((copy, share) for share in shares)


def test_the_deprecated_percent_of_mirrors_still_counts() -> None:
    result = compiled(service(f"{{{TO_REVIEWS}, mirror: {{host: copy}}, mirrorPercent: 20}}"))
    assert warned(result) == [("IST0002", "spec.http[0].mirrorPercent")]
    (found,) = result.fragments
    assert isinstance(found, RouteTable)
    assert [share for _, share in found.rules[0].mirrors] == [0.2]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("allowOrigins: [{exact: 'https://a.test'}]", Cors(origins=(("exact", "https://a.test"),))),
        ("allowOrigins: [{prefix: 'https://'}]", Cors(origins=(("prefix", "https://"),))),
        ("allowOrigins: [{regex: '.*'}]", Cors(origins=(("regex", ".*"),))),
        ("allowMethods: [GET, POST]", Cors(methods=("GET", "POST"))),
        ("allowHeaders: [X-A], exposeHeaders: [X-B]", Cors(headers=("X-A",), expose=("X-B",))),
        ("maxAge: 24h", Cors(max_age=86_400_000)),
        ("allowCredentials: false", Cors(credentials=False)),
        ("unmatchedPreflights: FORWARD", Cors(forward_unmatched=True)),
        ("unmatchedPreflights: IGNORE", Cors(forward_unmatched=False)),
        ("unmatchedPreflights: UNSPECIFIED", Cors()),
    ],
)
def test_cors(text: str, expected: Cors) -> None:
    assert rule(f"{TO_REVIEWS}, corsPolicy: {{{text}}}").cors == expected


def test_the_deprecated_list_of_origins_counts_only_without_the_new_one() -> None:
    old = "allowOrigin: ['*', 'http://a.test']"
    expectations: dict[str, tuple[Text, ...]] = {
        old: (("exact", "*"), ("exact", "http://a.test")),
        f"{old}, allowOrigins: [{{exact: b}}]": (("exact", "b"),),
    }
    for text, expected in expectations.items():
        result = compiled(service(f"{{{TO_REVIEWS}, corsPolicy: {{{text}}}}}"))
        assert warned(result) == [("IST0002", "spec.http[0].corsPolicy.allowOrigin")]
        (found,) = result.fragments
        assert isinstance(found, RouteTable)
        assert found.rules[0].cors == Cors(origins=expected)


@pytest.mark.parametrize(
    ("entry", "path"),
    [
        ("timeout: 5", None),
        ("timeout: -1s", "timeout"),
        ("timeout: soon", "timeout"),
        ("timeout: 400000d", "timeout"),
        ("timeout: 10000h", "timeout"),
        ("timeout: " + "9" * 400 + "s", "timeout"),
        ("retries: {attempts: -1}", "retries.attempts"),
        ("retries: {attempts: 1, retryOn: sometimes}", "retries.retryOn"),
        ("retries: {attempts: 1, retryOn: '999'}", "retries.retryOn"),
        ("retries: {attempts: 1, perTryTimeout: -2s}", "retries.perTryTimeout"),
        ("fault: {}", "fault"),
        ("fault: {delay: {percentage: {value: 1}}}", "fault.delay"),
        ("fault: {delay: {exponentialDelay: 1s, percentage: {value: 1}}}", "fault.delay.exponentialDelay"),
        ("fault: {delay: {fixedDelay: 1s, percentage: {value: 101}}}", "fault.delay.percentage.value"),
        ("fault: {abort: {percentage: {value: 1}}}", "fault.abort"),
        ("fault: {abort: {httpStatus: 99, percentage: {value: 1}}}", "fault.abort.httpStatus"),
        ("fault: {abort: {grpcStatus: '14', percentage: {value: 1}}}", "fault.abort.grpcStatus"),
        ("fault: {abort: {http2Error: x, percentage: {value: 1}}}", "fault.abort.http2Error"),
        ("mirror: {host: ''}", "mirror"),
        ("mirror: {host: a}, mirrorPercentage: {value: 120}", "mirrorPercentage.value"),
        ("mirror: {host: a}, mirrors: [{destination: {host: b}}]", "mirrors"),
        ("mirrors: [{percentage: {value: 10}}]", "mirrors[0].destination"),
        ("corsPolicy: {allowMethods: [FETCH]}", "corsPolicy.allowMethods[0]"),
        ("corsPolicy: {allowOrigins: [{}]}", "corsPolicy.allowOrigins[0]"),
        ("corsPolicy: {maxAge: never}", "corsPolicy.maxAge"),
    ],
)
def test_settings_that_the_api_does_not_allow_are_refused(entry: str, path: str | None) -> None:
    if path is None:
        with pytest.raises(AssertionError, match="expected text"):
            service(f"{{{TO_REVIEWS}, {entry}}}")
        return
    errors = refused(compiled(service(f"{{{TO_REVIEWS}, {entry}}}")))
    assert [at for at, _ in errors] == [f"spec.http[0].{path}"]
