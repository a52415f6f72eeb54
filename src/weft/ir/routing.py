"""Where requests go: matches, rules and tables of routes, and destinations that no service names."""

from typing import Literal

from msgspec import Struct

from weft.base.durations import Milliseconds
from weft.base.provenance import Provenance
from weft.ir.values import LabelTerm, Selector, Target, Text, Transform

Rank = tuple[int | str, ...]
"""Order within a table; computed by the dialect, interpreted by nobody else (R1)."""

Pairs = tuple[tuple[str, Text], ...]


class HttpMatch(Struct, frozen=True):
    """A conjunction over one request or connection. The last three fields are for streams of bytes and TLS.

    `client` and `port` are decided when a view is made, never at run time.
    """

    path: Text | None = None
    method: Text | None = None
    host: Text | None = None
    scheme: Text | None = None
    headers: Pairs = ()
    not_headers: Pairs = ()
    query: Pairs = ()
    claims: Pairs = ()
    port: int | None = None
    client: Selector | None = None
    tls_names: tuple[Text, ...] = ()
    networks: tuple[str, ...] = ()
    client_networks: tuple[str, ...] = ()


class Backend(Struct, frozen=True):
    """Where to, with its share. A `broken` backend keeps its share and answers 500, naming the issue's code.

    `port` None means the port that was called. `subset` terms are those of the named subset.
    """

    host: str
    port: int | None = None
    subset: str = ""
    weight: int = 1
    request: Transform | None = None
    response: Transform | None = None
    broken: str | None = None


class Retry(Struct, frozen=True):
    """When and how often to try again; `attempts` 0 is an explicit off. Conditions and numeric codes stand in `on`.

    `other_host` None tries another endpoint each time, unless requests are hashed to endpoints.
    """

    attempts: int
    on: tuple[str, ...] = ()
    per_try: Milliseconds | None = None
    backoff: tuple[Milliseconds, Milliseconds] | None = None
    other_host: bool | None = None
    other_locality: bool = False


class Cors(Struct, frozen=True):
    """Cross-origin rules; None leaves a setting to the data plane."""

    origins: tuple[Text, ...] = ()
    methods: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    expose: tuple[str, ...] = ()
    max_age: Milliseconds | None = None
    credentials: bool | None = None
    forward_unmatched: bool | None = None


class RouteRule(Struct, frozen=True):
    """One rule of a table: any of `matches` (None: always), then an action.

    For a redirect `request` is the new location and `status` its code. `delay` is (share, time); `abort` is (share,
    "503" or "grpc:UNAVAILABLE").
    """

    source: Provenance
    name: str
    rank: Rank
    matches: tuple[HttpMatch, ...] | None
    action: Literal["forward", "redirect", "respond"]
    backends: tuple[Backend, ...] = ()
    status: int = 0
    body: bytes = b""
    request: Transform | None = None
    response: Transform | None = None
    timeout: Milliseconds | None = None
    backend_timeout: Milliseconds | None = None
    idle: Milliseconds | None = None
    retry: Retry | None = None
    cors: Cors | None = None
    sticky: tuple[str, ...] = ()
    mirrors: tuple[tuple[Backend, float], ...] = ()
    delay: tuple[float, Milliseconds] | None = None
    abort: tuple[float, str] | None = None
    stat: str = ""


class RouteTable(Struct, frozen=True):
    """A fragment of routing for some hosts; the join makes one table per (attach, host, port).

    `family` decides who owns a table where several state one (R2). `clients` None: visible to all namespaces. `attach`
    of kind service without a name is the client side of the services that `hosts` name; of kind gateway it is the
    listeners of that gateway whose hosts meet `hosts`.
    """

    source: Provenance
    family: Literal["profile", "virtual", "standard", "ingress", "none"]
    attach: Target
    hosts: tuple[str, ...]
    level: Literal["http", "tls", "stream"]
    rules: tuple[RouteRule, ...]
    ports: tuple[int, ...] | None = None
    clients: tuple[str, ...] | None = None
    fallback: Literal["service", "not_found"] = "not_found"
    merge: Literal["oldest", "append"] = "oldest"


class EgressPolicy(Struct, frozen=True):
    """Destinations that no service in view names (X1 to X4), and which services are in view.

    `services` are patterns `namespace/host` (`~` in front excludes); None means all that are visible.
    """

    source: Provenance
    target: Target
    action: Literal["allow", "deny", "resolve"] | None = None
    networks: tuple[str, ...] | None = None
    ports: tuple[int, ...] | None = None
    via: Backend | None = None
    services: tuple[str, ...] | None = None


class SubsetTerms(Struct, frozen=True):
    """A named subset of a service's endpoints, by labels."""

    name: str
    labels: tuple[LabelTerm, ...]
