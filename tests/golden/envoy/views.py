"""Views that stand for what meshes ask of proxies; each golden file is made of one group of them."""

from typing import Any

from msgspec.structs import replace

from weft.base.provenance import Provenance
from weft.envoy.bootstrap.settings import BootstrapSettings, ControlPlane, Node
from weft.ir.access import Authorization, AuthzRule, MutualMode
from weft.ir.inventory import Endpoint
from weft.ir.routing import Cors, HttpMatch, Retry, RouteRule
from weft.ir.settings import DEFAULT_RETRY, MeshSettings
from weft.ir.traffic import TrafficSettings
from weft.ir.values import Condition, Protocol, Target, Tls, Transform
from weft.ir.view import (
    HTTP_PROXY,
    Cluster,
    Destination,
    EndpointGroup,
    Endpoints,
    GatewayListener,
    GatewayServer,
    HostTable,
    Inbound,
    InboundPort,
    OutboundListener,
    Route,
    RouteConfiguration,
    StreamRoute,
    VirtualHost,
)

SETTINGS = MeshSettings(access_log="/dev/stdout")
REVIEWS = "reviews.default.svc.cluster.local"
IDENTITY = "spiffe://cluster.local/ns/default/sa/reviews"
SOURCE = Provenance("VirtualService", "default", "reviews")


def cluster(port: int, protocol: Protocol, subset: str = "", host: str = REVIEWS, **fields: Any) -> Cluster:
    """Returns a cluster, discovered and with mesh TLS by endpoint unless `fields` say otherwise."""
    values: dict[str, Any] = {"discovery": "endpoints", "settings": TrafficSettings(), "mesh_tls": "by_endpoint"}
    values |= {"server_name": f"outbound_.{port}_.{subset}_.{host}", "peers": (IDENTITY,)} | fields
    return Cluster(
        name=f"outbound|{port}|{subset}|{host}", host=host, port=port, subset=subset, protocol=protocol, **values
    )


HTTP = cluster(80, "http")
V1 = cluster(
    80,
    "http",
    "v1",
    config="reviews.default",
    settings=TrafficSettings(
        balance="hash_ring",
        hash_size=2048,
        connections=100,
        pending=10,
        requests=1000,
        retries=3,
        requests_per_connection=7,
        connect=1500,
        idle=60_000,
        lifetime=3_600_000,
        keepalive=(9, 7_200_000, 75_000),
        eject_after=(("5xx", 7), ("gateway", 0)),
        eject_for=15_000,
        eject_scan=300_000,
        eject_share=1.0,
        eject_split=False,
        min_healthy=0.3,
    ),
)
DETECT = cluster(81, "detect")
GRPC = cluster(
    82,
    "grpc",
    settings=TrafficSettings(
        balance="round_robin", warmup=(60_000, 0.1, 1.5), streams=100, ping=(30_000, 5_000), eject_split=True
    ),
)
MAGLEV = cluster(83, "http", settings=TrafficSettings(balance="hash_table", hash_size=65537, http2="upgrade"))
SPREAD = cluster(
    84, "http", settings=TrafficSettings(spread=(("eu/*", (("eu/a/*", "80"),)),), retry_budget=(0.2, 3, 0))
)
STREAM = cluster(3306, "mysql", mesh_tls="always", settings=TrafficSettings(tls=Tls("mesh", server_name="db")))
EXTERNAL = "api.example.com"
ORIGINATED = cluster(
    443,
    "http",
    host=EXTERNAL,
    discovery="dns",
    mesh_tls="never",
    settings=TrafficSettings(tls=Tls("one_way")),
    groups=(EndpointGroup(("", "", ""), 0, None, (Endpoint(None, EXTERNAL, 443),)),),
)
MUTUAL = cluster(
    5432,
    "tcp",
    host=EXTERNAL,
    discovery="dns_one",
    mesh_tls="never",
    settings=TrafficSettings(
        tls=Tls(
            "mutual",
            certificates=("secret:default/client",),
            roots="secret:default/client-cacert",
            peer_names=(("exact", EXTERNAL), ("exact", "192.0.2.1"), ("exact", "spiffe://example.com/db")),
        ),
        proxy_header=2,
    ),
    groups=(EndpointGroup(("", "", ""), 0, None, (Endpoint(None, EXTERNAL, 5432),)),),
)
UNVERIFIED = cluster(
    8443,
    "http2",
    mesh_tls="never",
    settings=TrafficSettings(
        balance="utilization",
        tls=Tls("one_way", verify=False, server_name="other.example", versions=("1.2", "1.2"), ciphers=("AES128-SHA",)),
    ),
)
ORIGINAL = cluster(85, "http", discovery="original", mesh_tls="never")
DYNAMIC = cluster(86, "http", host="*.example.com", discovery="dynamic", mesh_tls="never")

CLUSTERS = (
    HTTP,
    V1,
    DETECT,
    GRPC,
    MAGLEV,
    SPREAD,
    STREAM,
    ORIGINATED,
    MUTUAL,
    UNVERIFIED,
    ORIGINAL,
    DYNAMIC,
)

ENDPOINTS = (
    Endpoints(
        HTTP.name,
        (
            EndpointGroup(
                ("eu", "a", ""),
                0,
                None,
                (
                    Endpoint(
                        "Kubernetes//Pod/default/reviews-v1-1",
                        "10.244.0.7",
                        9080,
                        mesh_tls=True,
                        labels=(("app", "reviews"), ("version", "v1")),
                    ),
                    Endpoint("Kubernetes//Pod/default/reviews-v2-1", "10.244.0.8", 9080, healthy=False, mesh_tls=True),
                ),
            ),
            EndpointGroup(("us", "b", "rack"), 1, 40, (Endpoint(None, "192.0.2.7", 9080, weight=3),)),
        ),
    ),
    Endpoints(DETECT.name, (EndpointGroup(("", "", ""), 0, None, (Endpoint(None, "unix:/run/app.sock", 0),)),)),
    Endpoints(GRPC.name, ()),
)


def to(*clusters: Cluster) -> tuple[Destination, ...]:
    """Returns destinations of equal weight."""
    return tuple(Destination(each.name, 1) for each in clusters)


def rule(name: str, *matches: HttpMatch, **fields: Any) -> RouteRule:
    """Returns a rule that forwards unless `fields` say otherwise."""
    values: dict[str, Any] = {"action": "forward"} | fields
    return RouteRule(SOURCE, name, (), matches or None, **values)


_EVERY_MATCH = HttpMatch(
    path=("iprefix", "/Shop"),
    method=("exact", "GET"),
    host=("suffix", ".example"),
    scheme=("exact", "https"),
    headers=(("x-group", ("regex", "beta|test")), ("x-user", ("present", "")), ("x-any-case", ("iexact", "Yes"))),
    not_headers=(("x-bot", ("prefix", "bot")),),
    query=(("page", ("exact", "1")), ("debug", ("present", ""))),
    claims=(("realm.group", ("exact", "beta")),),
)
ROUTES = (
    Route(
        rule(
            "everything",
            _EVERY_MATCH,
            HttpMatch(path=("regex", "/(books|papers)/[a-z]{1,64}/[0-9]{1,64}")),  # larger than Envoy takes unasked
            HttpMatch(path=("template", "/{*}/items/{**}")),
            request=Transform(set=(("x-percent", "50%"),), add=(("x-id", "%REQ(x-request-id)%"),), remove=("x-gone",)),
            response=Transform(remove=("server-timing",)),
            timeout=5_000,
            idle=60_000,
            retry=Retry(
                attempts=3, on=("connect-failure", "502"), per_try=1_000, backoff=(25, 250), other_locality=True
            ),
            cors=Cors(origins=(("regex", "https://.*"),), methods=("GET",), headers=("x-user",), expose=("x-id",)),
            delay=(0.1, 2_000),
            abort=(0.001, "503"),
            stat="everything",
        ),
        (
            Destination(V1.name, 90, Transform(set=(("x-version", "v1"),), host="v1.example")),
            Destination("", 10, broken="IST0101"),
        ),
        mirrors=((DETECT.name, 0.25),),
        hash_on=(("cookie", "user", "/", "60000"), ("address",)),
    ),
    Route(
        rule("moved", HttpMatch(path=("exact", "/old")), action="redirect", status=308, request=Transform(prefix="/n"))
    ),
    Route(rule("teapot", HttpMatch(path=("glob", "/tea*")), action="respond", status=418, body=b"short and stout")),
    Route(
        rule(
            "rewritten",
            HttpMatch(path=("prefix", "/api/")),
            request=Transform(path_regex=("^/api/(.*)$", r"/v2/\1"), host="api.example"),
            retry=DEFAULT_RETRY,
            sticky=("cookie", "session", "/", "3600000"),
        ),
        to(HTTP),
    ),
    Route(rule("default"), to(HTTP)),
)
TABLES = (
    RouteConfiguration(
        "80",
        (VirtualHost(f"{REVIEWS}:80", (REVIEWS, "reviews", "10.96.0.7"), ROUTES),),
        "allow",
    ),
    RouteConfiguration(
        f"{REVIEWS}:81", (VirtualHost(f"{REVIEWS}:81", (REVIEWS,), (Route(rule("d"), to(DETECT)),)),), "deny"
    ),
)

OUTBOUND = (
    OutboundListener(address="0.0.0.0", port=80, kind="http", route="80"),
    OutboundListener(
        address="10.96.0.7",
        port=81,
        kind="detect",
        route=f"{REVIEWS}:81",
        streams=(StreamRoute(to(DETECT), name=REVIEWS),),
    ),
    OutboundListener(
        address="0.0.0.0",
        port=443,
        kind="stream",
        fallback="deny",
        streams=(
            StreamRoute(to(ORIGINATED), tls_names=(EXTERNAL, "*.example.net"), name=EXTERNAL),
            StreamRoute(to(MUTUAL), networks=("192.0.2.0/24",), tls_names=(EXTERNAL,), name="network"),
            StreamRoute(to(STREAM), tls_names=("*.example.net", "more.example"), name="second claim"),
        ),
    ),
    OutboundListener(
        address="10.96.0.9",
        port=3306,
        kind="stream",
        streams=(StreamRoute((*to(STREAM, MUTUAL), Destination("", 1, broken="IST0101")), name="db"),),
    ),
)


def _authorization(tier: int, rules: tuple[AuthzRule, ...], *, closes: bool, name: str) -> Authorization:
    source = Provenance("AuthorizationPolicy", "default", name)
    target = Target("namespace", namespace="default")
    return Authorization(source, "request", tier, "in", target, rules, closes)


def _rule(action: Any, name: str, **fields: Any) -> AuthzRule:
    return AuthzRule(Provenance("AuthorizationPolicy", "default", name, path="spec.rules[0]"), action, **fields)


AUTHORIZATIONS = (
    _authorization(
        1,
        (
            _rule(
                "deny",
                "no-deletes",
                operations=((Condition("request.method", (("exact", "DELETE"),)),),),
                unparsed="widen",
            ),
        ),
        closes=False,
        name="no-deletes",
    ),
    _authorization(
        2,
        (_rule("allow", "only-reviews", sources=((Condition("peer.identity", (("exact", IDENTITY),)),),)),),
        closes=True,
        name="only-reviews",
    ),
)


def _served(number: int, protocol: Protocol, mutual: MutualMode) -> InboundPort:
    authorizations = AUTHORIZATIONS if mutual == "require" else ()
    return InboundPort(
        port=number, protocol=protocol, mutual=mutual, authorizations=authorizations, service=REVIEWS, name=protocol
    )


_KINDS: tuple[Protocol, ...] = ("http", "tcp", "detect")
_MODES: tuple[MutualMode, ...] = ("require", "accept", "off")
INBOUND = Inbound(
    ports=tuple(
        _served(9080 + 10 * i + j, protocol, mutual)
        for i, protocol in enumerate(_KINDS)
        for j, mutual in enumerate(_MODES)
    ),
    other=InboundPort(port=0, protocol="detect", mutual="accept", authorizations=()),
    trust_domains=("cluster.local", "old.domain"),
)

_APPLICATION = "127.244.0.7"
UNCAPTURED = Inbound(
    ports=tuple(
        replace(_served(8080 + i, protocol, mutual), forward_to=f"{_APPLICATION}:{8080 + i}")
        for i, (protocol, mutual) in enumerate([*zip(_KINDS, _MODES, strict=True), ("detect", "require")])
    ),
    other=INBOUND.other,
    trust_domains=INBOUND.trust_domains,
    interception="none",
    address="127.245.0.7",
)
PROXY_TABLE = RouteConfiguration(
    HTTP_PROXY,
    (
        VirtualHost(
            f"{REVIEWS}:80",
            (REVIEWS, "reviews", "10.96.0.7", f"{REVIEWS}:80", "reviews:80", "10.96.0.7:80"),
            (Route(rule("default"), to(HTTP)),),
        ),
        VirtualHost(f"{REVIEWS}:81", (f"{REVIEWS}:81", "reviews:81"), (Route(rule("d"), to(DETECT)),)),
        VirtualHost("db:3306", ("db:3306",), (), tunnel=StreamRoute(to(STREAM, MUTUAL), name="db", idle=3_600_000)),
    ),
    "resolve",
    by_port=True,
)

_SHOP = ("secret:default/shop",)
GATEWAYS = (
    GatewayListener(
        bind="", port=8080, servers=(GatewayServer(tls_names=None, tls=None, kind="http", route="http.8080"),)
    ),
    GatewayListener(
        bind="127.0.0.1",
        port=8443,
        authorizations=AUTHORIZATIONS[1:],
        servers=(
            GatewayServer(
                tls_names=("shop.example", "*.shop.example"),
                tls=Tls("one_way", _SHOP, versions=("1.2", "1.3"), ciphers=("ECDHE-ECDSA-AES128-GCM-SHA256",)),
                kind="http",
                route="https.8443",
                name="shop",
            ),
            GatewayServer(
                tls_names=("mutual.example",),
                tls=Tls(
                    "mutual",
                    _SHOP,
                    roots=f"{_SHOP[0]}-cacert",
                    peer_names=(("exact", "client.example"),),
                    pins=("ab" * 32,),
                ),
                kind="http",
                route="https.8443",
                name="mutual",
            ),
            GatewayServer(
                tls_names=("optional.example",),
                tls=Tls("optional_mutual", _SHOP, roots=f"{_SHOP[0]}-cacert"),
                kind="http",
                route="https.8443",
                name="optional",
            ),
            GatewayServer(tls_names=("mesh.example",), tls=Tls("mesh"), kind="http", route="https.8443", name="mesh"),
            GatewayServer(
                tls_names=("bytes.example",),
                tls=Tls("one_way", _SHOP),
                kind="stream",
                streams=(StreamRoute(to(STREAM), name="bytes"),),
                name="bytes",
            ),
            GatewayServer(tls_names=("*.local",), tls=Tls("passthrough_mesh"), kind="stream", name="between networks"),
            GatewayServer(
                tls_names=("*",),
                tls=None,
                kind="stream",
                streams=(StreamRoute(to(STREAM), tls_names=("passed.example",), name="passed"),),
                name="passed",
            ),
        ),
    ),
    GatewayListener(
        bind="",
        port=3306,
        servers=(
            GatewayServer(tls_names=None, tls=None, kind="stream", streams=(StreamRoute(to(STREAM), name="db"),)),
        ),
    ),
)
GATEWAY_TABLES = (
    RouteConfiguration(
        "http.8080", (VirtualHost("shop.example:8080", ("shop.example",), (), https_redirect=True),), "not_found"
    ),
    RouteConfiguration("https.8443", (VirtualHost("*:8443", ("*",), (Route(rule("shop"), to(HTTP)),)),), "not_found"),
)

BOOTSTRAP = BootstrapSettings(
    node=Node(
        role="sidecar",
        address="10.244.0.7",
        name="reviews-v1-1",
        namespace="default",
        service_account="reviews",
        labels=(("app", "reviews"), ("version", "v1")),
        workload="reviews-v1",
        node="node-1",
        locality=("eu", "a", ""),
        version="0.1.0",
    ),
    control_plane=ControlPlane(
        address="controller.weft-system.svc",
        port=15012,
        server_name="controller.weft-system.svc",
        token="/var/run/weft/token.json",
        roots="/var/run/weft/roots.json",
        directory="/var/run/weft",
    ),
    admin_socket="/run/weft/admin.sock",
    mark=1337,
)
UNCAPTURED_BOOTSTRAP = replace(
    BOOTSTRAP,
    node=replace(BOOTSTRAP.node, address=_APPLICATION, interception="none"),
    control_plane=replace(BOOTSTRAP.control_plane, address="127.244.0.1"),
    listen=(UNCAPTURED.address,),
    admin_listen=(UNCAPTURED.address,),
    mark=None,
    source=_APPLICATION,
)

# ---- names: a service without an address, and DNS that the proxy answers ---------------------------------------------
DB = "db.default.svc.cluster.local"
ADDRESSED = cluster(9000, "detect", host=DB, addressed=True)
MEMBERS = Endpoints(
    ADDRESSED.name,
    (
        EndpointGroup(
            ("", "", ""),
            0,
            None,
            tuple(
                Endpoint(f"Kubernetes//Pod/default/db-{number}", f"10.244.1.{number}", 9000, healthy=not number)
                for number in range(2)
            ),
        ),
    ),
    addressed=True,
)
MEMBER_ROUTE = f"10.244.1.1|{DB}:9000"
MEMBER = OutboundListener(
    address="10.244.1.1",
    port=9000,
    kind="detect",
    route=MEMBER_ROUTE,
    streams=(StreamRoute(to(ADDRESSED), name=DB, endpoint="10.244.1.1"),),
)
MEMBER_TABLE = RouteConfiguration(
    MEMBER_ROUTE,
    (VirtualHost(f"{DB}:9000", ("*",), (Route(rule("default"), to(ADDRESSED)),), endpoint="10.244.1.1"),),
    "allow",
)
HOSTS = HostTable(
    (("*.wild.example", ("240.240.0.9",)), (DB, ("10.244.1.0", "10.244.1.1")), ("six.example", ("fd00::7",))),
    ("10.0.0.53",),
    ("IPv4", "IPv6"),
)
