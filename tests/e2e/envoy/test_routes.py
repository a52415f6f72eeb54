"""What happens to requests on their way, by a real router."""

import time
from collections import Counter
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.e2e.envoy.apps import HttpApp, Reply, get
from tests.e2e.envoy.mesh import (
    VIP,
    Mesh,
    endpoints_of,
    http_listener,
    rule,
    service_cluster,
    table,
    to,
)

from weft.ir.routing import Cors, HttpMatch, Retry
from weft.ir.traffic import TrafficSettings
from weft.ir.values import Text, Transform
from weft.ir.view import Destination, Route

FIRST, SECOND = "127.0.1.1", "127.0.1.2"
"""Addresses of two servers outside the redirects: these tests are about the client's side only."""

APP = service_cluster(80, "http", mesh_tls="never")
SHADOW = service_cluster(80, "http", subset="shadow", mesh_tls="never")


def _mesh(*routes: Route, servers: tuple[str, ...] = (FIRST,)) -> Mesh:
    return Mesh(
        clusters=(APP, SHADOW),
        endpoints=(endpoints_of(APP, *servers, port=9080), endpoints_of(SHADOW, SECOND, port=9080)),
        routes=(table("80", *routes),),
        listeners=(http_listener(80),),
    )


def _ask(path: str = "/", **headers: str) -> Reply:
    return get(VIP, 80, path, {name.replace("_", "-"): value for name, value in headers.items()})


def test_the_share_of_a_broken_destination_answers_500_and_the_rest_works(tmp_path: Path) -> None:
    broken = Destination("", 1, broken="IST0101")
    with HttpApp().at(FIRST, 9080), _mesh(Route(rule("r"), (*to(APP), broken))).running(tmp_path) as envoy:
        found = Counter(_ask().status for _ in range(200))
        envoy.wait_for(lambda: any("500 NC cluster_not_found" in line for line in envoy.lines()))
    assert set(found) == {200, 500}
    assert 60 < found[500] < 140  # 5.7 standard deviations of a fair coin


def test_a_rule_without_a_working_destination_answers_500(tmp_path: Path) -> None:
    broken = rule("broken", HttpMatch(path=("exact", "/broken")))
    with _mesh(Route(broken, (Destination("", 1, broken="IST0101"),)), Route(rule("empty"))).running(tmp_path):
        assert _ask("/broken").status == 500
        assert _ask("/empty").status == 500


def test_a_destination_without_endpoints_answers_503(tmp_path: Path) -> None:
    with _mesh(Route(rule("r"), to(APP)), servers=()).running(tmp_path):
        assert _ask().status == 503


def test_hosts_that_nobody_knows_are_answered_502_where_only_known_ones_are_allowed(tmp_path: Path) -> None:
    with _mesh(Route(rule("r"), to(APP))).running(tmp_path):
        assert _ask(host="elsewhere").status == 502


def test_a_retry_goes_to_another_endpoint(tmp_path: Path) -> None:
    failing, working = HttpApp(lambda path, headers: 503), HttpApp()
    route = Route(rule("r", retry=Retry(attempts=2, on=("503",))), to(APP))
    with failing.at(FIRST, 9080), working.at(SECOND, 9080), _mesh(route, servers=(FIRST, SECOND)).running(tmp_path):
        assert {_ask().status for _ in range(10)} == {200}
    assert failing.requests


def test_without_retries_the_first_answer_counts(tmp_path: Path) -> None:
    failing = HttpApp(lambda path, headers: 503)
    with failing.at(FIRST, 9080), _mesh(Route(rule("r", retry=Retry(attempts=0)), to(APP))).running(tmp_path):
        assert _ask().status == 503
    assert len(failing.requests) == 1


def test_a_timeout_answers_504(tmp_path: Path) -> None:
    slow = HttpApp(_slowly)
    with slow.at(FIRST, 9080), _mesh(Route(rule("r", timeout=200), to(APP))).running(tmp_path):
        started = time.monotonic()
        reply = _ask()
    assert (reply.status, reply.body) == (504, b"upstream request timeout")
    assert time.monotonic() - started < 1.5


def _slowly(path: str, headers: dict[str, str]) -> int:
    time.sleep(2)
    return 200


def test_a_mirror_gets_a_copy_with_the_same_host(tmp_path: Path) -> None:
    shadow = HttpApp()
    route = Route(rule("r"), to(APP), mirrors=((SHADOW.name, 1.0),))
    with HttpApp().at(FIRST, 9080), shadow.at(SECOND, 9080), _mesh(route).running(tmp_path) as envoy:
        assert _ask("/copied", host="app").status == 200
        envoy.wait_for(lambda: shadow.requests)
    assert shadow.requests[0]["path"] == "/copied"
    assert shadow.requests[0]["headers"]["host"] == "app"


REDIRECTS = {
    "/whole": (Transform(host="new.example", path="/there"), "http://new.example/there?q=1"),
    "/prefix": (Transform(prefix="/other"), "http://app/other/rest?q=1"),
    "/scheme": (Transform(scheme="https"), "https://app/scheme/rest?q=1"),
    "/port": (Transform(port=8443), "http://app:8443/port/rest?q=1"),
    "/same-port": (Transform(host="new.example", port=0), "http://new.example:80/same-port/rest?q=1"),
    "/regex": (Transform(path_regex=("^/regex/(.*)$", r"/\1/new")), "http://app/rest/new?q=1"),
}


@pytest.mark.parametrize("prefix", REDIRECTS)
def test_a_redirect_leads_to(tmp_path: Path, prefix: str) -> None:
    location, expected = REDIRECTS[prefix]
    match = HttpMatch(path=("prefix", prefix))
    moved = rule("r", match, action="redirect", status=308, request=location)
    with _mesh(Route(moved)).running(tmp_path):
        reply = _ask(f"{prefix}/rest?q=1", host="app")
    assert (reply.status, reply.headers["location"]) == (308, expected)


def test_requests_are_rewritten(tmp_path: Path) -> None:
    edits = Transform(
        set=(("x-percent", "100%"), ("x-set", "new")),
        add=(("x-list", "two"),),
        remove=("x-gone",),
        host="new.example",
        prefix="/new",
    )
    answer = Transform(set=(("x-answer", "1"),))
    route = Route(rule("r", HttpMatch(path=("prefix", "/old")), request=edits, response=answer), to(APP))
    with HttpApp().at(FIRST, 9080), _mesh(route).running(tmp_path):
        reply = _ask("/old/rest?q=1", x_set="old", x_list="one", x_gone="here")
    assert reply.headers["x-answer"] == "1"
    sent = reply.json
    assert sent["path"] == "/new/rest?q=1"
    names = ("host", "x-set", "x-percent", "x-list", "x-gone")
    assert [sent["headers"].get(name) for name in names] == ["new.example", "new", "100%", "one,two", None]


def test_a_whole_path_is_replaced_and_its_query_stays(tmp_path: Path) -> None:
    route = Route(rule("r", request=Transform(path=r"/new\1")), to(APP))
    with HttpApp().at(FIRST, 9080), _mesh(route).running(tmp_path):
        assert _ask("/old?q=1").json["path"] == r"/new\1?q=1"


def test_edits_of_one_destination_leave_others_alone(tmp_path: Path) -> None:
    edited = Destination(APP.name, 1, Transform(set=(("x-to", "edited"),), host="edited.example"))
    route = Route(rule("r"), (edited, Destination(APP.name, 1)))
    with HttpApp().at(FIRST, 9080), _mesh(route).running(tmp_path):
        sent = [_ask(host="app").json["headers"] for _ in range(40)]
    assert {(each["host"], each.get("x-to")) for each in sent} == {("edited.example", "edited"), ("app", None)}


MATCHES: dict[str, tuple[HttpMatch, dict[str, str], bool]] = {
    "a missing header is not what must not be": (HttpMatch(not_headers=(("x", ("exact", "a")),)), {}, True),
    "another value is not what must not be": (HttpMatch(not_headers=(("x", ("exact", "a")),)), {"x": "b"}, True),
    "the value that must not be": (HttpMatch(not_headers=(("x", ("exact", "a")),)), {"x": "a"}, False),
    "any value must not be": (HttpMatch(not_headers=(("x", ("regex", ".*")),)), {"x": "a"}, False),
    "no value where any must not be": (HttpMatch(not_headers=(("x", ("regex", ".*")),)), {}, True),
    "present": (HttpMatch(headers=(("x", ("present", "")),)), {"x": "a"}, True),
    "present, but missing": (HttpMatch(headers=(("x", ("present", "")),)), {}, False),
    "a regular expression is a full match": (HttpMatch(headers=(("x", ("regex", "a.")),)), {"x": "abc"}, False),
    "case is ignored": (HttpMatch(headers=(("x", ("iprefix", "AB")),)), {"x": "abc"}, True),
    "a path in any case": (HttpMatch(path=("iexact", "/PATH")), {}, True),
    "a prefix that ends within a segment": (HttpMatch(path=("prefix", "/pa")), {}, True),
    "a pattern with a star": (HttpMatch(path=("glob", "/p*h")), {}, True),
    "a dot in a pattern is a dot": (HttpMatch(path=("glob", "/p.t*")), {}, False),
    "a query": (HttpMatch(query=(("q", ("exact", "1")),)), {}, True),
    "another query": (HttpMatch(query=(("q", ("exact", "2")),)), {}, False),
    "a method": (HttpMatch(method=("exact", "POST")), {}, False),
    "an authority": (HttpMatch(host=("prefix", "10.96.")), {}, True),
    "a claim without a token": (HttpMatch(claims=(("group", ("exact", "a")),)), {}, False),
}


def test_matches(tmp_path: Path) -> None:
    """All in one table: a header says which one is asked."""
    routes = []
    for number, (match, _, _) in enumerate(MATCHES.values()):
        asked: tuple[str, Text] = ("x-case", ("exact", str(number)))
        routes.append(Route(rule(str(number), _with_header(match, asked), action="respond", status=200)))
    otherwise = Route(rule("otherwise", action="respond", status=404))
    with _mesh(*routes, otherwise).running(tmp_path):
        for number, (name, (_, headers, expected)) in enumerate(MATCHES.items()):
            found = _ask("/path?q=1", x_case=str(number), **headers).status == 200
            assert found is expected, name


def test_faults(tmp_path: Path) -> None:
    abort = rule("abort", HttpMatch(path=("exact", "/abort")), abort=(1.0, "418"))
    delay = rule("delay", HttpMatch(path=("exact", "/delay")), delay=(1.0, 300))
    grpc = rule("grpc", HttpMatch(path=("exact", "/grpc")), abort=(1.0, "grpc:UNAVAILABLE"))
    routes = (Route(each, to(APP)) for each in (abort, delay, grpc))
    with HttpApp().at(FIRST, 9080) as app, _mesh(*routes).running(tmp_path):
        assert _ask("/abort").status == 418
        refused = _ask("/grpc", content_type="application/grpc")
        assert app.requests == []
        started = time.monotonic()
        assert _ask("/delay").status == 200
        assert time.monotonic() - started >= 0.25
    assert refused.headers["grpc-status"] == "14"


def test_cross_origin_rules(tmp_path: Path) -> None:
    cors = Cors(origins=(("exact", "https://shop.example"),), methods=("GET", "PUT"), max_age=60_000, credentials=True)
    with HttpApp().at(FIRST, 9080), _mesh(Route(rule("r", cors=cors), to(APP))).running(tmp_path):
        allowed, other = _ask(origin="https://shop.example"), _ask(origin="https://evil.example")
    assert allowed.headers["access-control-allow-origin"] == "https://shop.example"
    assert allowed.headers["access-control-allow-credentials"] == "true"
    assert "access-control-allow-origin" not in other.headers


def test_a_session_stays_at_its_endpoint(tmp_path: Path) -> None:
    route = Route(rule("r", sticky=("cookie", "session", "/", "60000")), to(APP))
    one, other = HttpApp(), HttpApp()
    with one.at(FIRST, 9080), other.at(SECOND, 9080), _mesh(route, servers=(FIRST, SECOND)).running(tmp_path):
        cookie = _ask().headers["set-cookie"].partition(";")[0]
        before = (len(one.requests), len(other.requests))
        for _ in range(10):
            assert _ask(cookie=cookie).status == 200
    grown = (len(one.requests) - before[0], len(other.requests) - before[1])
    assert sorted(grown) == [0, 10]


def test_a_hash_keeps_equal_requests_together(tmp_path: Path) -> None:
    cluster = service_cluster(80, "http", mesh_tls="never", settings=TrafficSettings(balance="hash_ring"))
    mesh = Mesh(
        clusters=(cluster,),
        endpoints=(endpoints_of(cluster, FIRST, SECOND, port=9080),),
        routes=(table("80", Route(rule("r"), to(cluster), hash_on=(("header", "x-user"),))),),
        listeners=(http_listener(80),),
    )
    one, other = HttpApp(), HttpApp()
    with one.at(FIRST, 9080), other.at(SECOND, 9080), mesh.running(tmp_path):
        for user in range(20):
            for _ in range(3):
                assert _ask(x_user=str(user)).status == 200
    users = [{each["headers"]["x-user"] for each in app.requests} for app in (one, other)]
    assert not users[0] & users[1]
    assert all(users)


def test_hosts_are_resolved_when_a_request_names_them(tmp_path: Path) -> None:
    dynamic = service_cluster(80, "http", discovery="dynamic", mesh_tls="never")
    mesh = Mesh(
        clusters=(dynamic,),
        routes=(table("80", Route(rule("r", request=Transform(host="localhost:9080")), to(dynamic))),),
        listeners=(http_listener(80),),
    )
    with HttpApp().at("127.0.0.1", 9080), mesh.running(tmp_path):
        assert _ask().status == 200


def _with_header(match: HttpMatch, header: tuple[str, Text]) -> HttpMatch:
    return replace(match, headers=(*match.headers, header))
