"""VirtualService of `networking.istio.io`, field by field.

Names, types and defaults follow istio.io/api, `networking/v1alpha3/virtual_service.proto`, in its JSON form: durations
are texts, wrapped numbers are None where they are not set, a oneof is several optional fields. Every field of the API
is declared, supported or not, so that only a name that the API does not have is an unknown field.
"""

from typing import Literal

from msgspec import Struct, field


class StringMatch(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A match of one text; at most one field is set, none matches everything."""

    exact: str | None = None
    prefix: str | None = None
    regex: str | None = None


class PortSelector(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A port by number."""

    number: int = 0


class Percent(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A share from 0 to 100."""

    value: float = 0.0


class Destination(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A service, maybe a subset of it, maybe one port."""

    host: str = ""
    subset: str = ""
    port: PortSelector | None = None


class HeaderOperations(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Edits of headers."""

    set: dict[str, str] = {}
    add: dict[str, str] = {}
    remove: tuple[str, ...] = ()


class Headers(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Edits of the headers of requests and of responses."""

    request: HeaderOperations | None = None
    response: HeaderOperations | None = None


class HttpMatchRequest(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Conditions on a request that must all hold."""

    name: str = ""
    uri: StringMatch | None = None
    scheme: StringMatch | None = None
    method: StringMatch | None = None
    authority: StringMatch | None = None
    headers: dict[str, StringMatch | None] = {}
    port: int = 0
    source_labels: dict[str, str] = {}
    gateways: tuple[str, ...] = ()
    query_params: dict[str, StringMatch | None] = {}
    ignore_uri_case: bool = False
    without_headers: dict[str, StringMatch | None] = {}
    source_namespace: str = ""
    stat_prefix: str = ""


class HttpRouteDestination(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A destination with its share of the requests."""

    destination: Destination | None = None
    weight: int = 0
    headers: Headers | None = None


class RouteDestination(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A destination with its share of the connections."""

    destination: Destination | None = None
    weight: int = 0


class HttpRedirect(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """An answer that sends the client elsewhere. Of `port` and `derive_port` at most one is set."""

    uri: str = ""
    authority: str = ""
    port: int | None = None
    derive_port: Literal["FROM_PROTOCOL_DEFAULT", "FROM_REQUEST_PORT"] | None = None
    scheme: str = ""
    redirect_code: int = 0
    prefix_rewrite: str = ""


class HttpBody(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The body of an answer, as text or as bytes (base64 in JSON)."""

    text: str | None = field(default=None, name="string")
    data: bytes | None = field(default=None, name="bytes")


class HttpDirectResponse(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """An answer by the proxy itself."""

    status: int = 0
    body: HttpBody | None = None


class Delegate(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The VirtualService that holds the rules of this place."""

    name: str = ""
    namespace: str = ""


class RegexRewrite(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A substitution in the path."""

    match: str = ""
    rewrite: str = ""


class HttpRewrite(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Edits of path and host before forwarding."""

    uri: str = ""
    authority: str = ""
    uri_regex_rewrite: RegexRewrite | None = None


class HttpRetry(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """When to try a request again; 0 attempts are none."""

    attempts: int = 0
    per_try_timeout: str | None = None
    retry_on: str = ""
    retry_remote_localities: bool | None = None
    retry_ignore_previous_hosts: bool | None = None
    backoff: str | None = None


class CorsPolicy(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Which other origins may call."""

    allow_origin: tuple[str, ...] = ()
    allow_origins: tuple[StringMatch, ...] = ()
    allow_methods: tuple[str, ...] = ()
    allow_headers: tuple[str, ...] = ()
    expose_headers: tuple[str, ...] = ()
    max_age: str | None = None
    allow_credentials: bool | None = None
    unmatched_preflights: Literal["UNSPECIFIED", "FORWARD", "IGNORE"] = "UNSPECIFIED"


class Delay(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A share of the requests waits."""

    percent: int = 0
    fixed_delay: str | None = None
    exponential_delay: str | None = None
    percentage: Percent | None = None


class Abort(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A share of the requests fails."""

    http_status: int | None = None
    grpc_status: str | None = None
    http2_error: str | None = None
    percentage: Percent | None = None


class HttpFaultInjection(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Faults for tests of resilience."""

    delay: Delay | None = None
    abort: Abort | None = None


class HttpMirrorPolicy(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Copies of a share of the requests go here."""

    destination: Destination | None = None
    percentage: Percent | None = None


class HttpRoute(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """One HTTP rule: any of the matches, then one action."""

    name: str = ""
    match: tuple[HttpMatchRequest, ...] = ()
    route: tuple[HttpRouteDestination, ...] = ()
    redirect: HttpRedirect | None = None
    direct_response: HttpDirectResponse | None = None
    delegate: Delegate | None = None
    rewrite: HttpRewrite | None = None
    timeout: str | None = None
    retries: HttpRetry | None = None
    fault: HttpFaultInjection | None = None
    mirror: Destination | None = None
    mirrors: tuple[HttpMirrorPolicy, ...] = ()
    mirror_percent: int | None = None
    mirror_percentage: Percent | None = None
    cors_policy: CorsPolicy | None = None
    headers: Headers | None = None


class TlsMatchAttributes(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Conditions on a TLS connection that is passed on unopened."""

    sni_hosts: tuple[str, ...] = ()
    destination_subnets: tuple[str, ...] = ()
    port: int = 0
    source_labels: dict[str, str] = {}
    gateways: tuple[str, ...] = ()
    source_namespace: str = ""


class TlsRoute(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """One rule for TLS connections."""

    match: tuple[TlsMatchAttributes, ...] = ()
    route: tuple[RouteDestination, ...] = ()


class L4MatchAttributes(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Conditions on a connection."""

    destination_subnets: tuple[str, ...] = ()
    port: int = 0
    source_subnet: str = ""
    source_labels: dict[str, str] = {}
    gateways: tuple[str, ...] = ()
    source_namespace: str = ""


class TcpRoute(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """One rule for connections."""

    match: tuple[L4MatchAttributes, ...] = ()
    route: tuple[RouteDestination, ...] = ()


class VirtualService(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Routes for some hosts, in the mesh or at gateways."""

    hosts: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    http: tuple[HttpRoute, ...] = ()
    tls: tuple[TlsRoute, ...] = ()
    tcp: tuple[TcpRoute, ...] = ()
    export_to: tuple[str, ...] = ()
