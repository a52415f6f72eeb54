"""Values that all parts of the model share: matches, selectors, what something applies to, edits, TLS."""

from typing import Final, Literal

from msgspec import Struct

TextKind = Literal[
    "exact",
    "iexact",
    "prefix",
    "iprefix",
    "suffix",
    "regex",
    "glob",
    "template",
    "present",
]
Text = tuple[TextKind, str]
"""A match of one text: the kind and its operand (empty for `present`). An `i` kind ignores case."""

Labels = tuple[tuple[str, str], ...]
"""Sorted pairs of key and value."""

LabelTerm = tuple[str, Literal["in", "not_in", "exists", "absent"], tuple[str, ...]]
"""One requirement on labels: key, operator, values."""

Protocol = Literal[
    "http",
    "http1",
    "http2",
    "grpc",
    "grpc_web",
    "tls",
    "tcp",
    "udp",
    "detect",
    "mysql",
    "mongo",
    "redis",
]

HTTP1_PROTOCOLS: Final[frozenset[Protocol]] = frozenset({"http", "http1"})
HTTP2_PROTOCOLS: Final[frozenset[Protocol]] = frozenset({"http2", "grpc", "grpc_web"})
HTTP_PROTOCOLS: Final = HTTP1_PROTOCOLS | HTTP2_PROTOCOLS
"""Of ports that are declared to be some HTTP, by the version that their servers speak."""

Identity = str
"""Canonical `spiffe://<domain>/ns/<namespace>/sa/<account>`; any other URI or DNS name as it is."""

SecretRef = str
"""`<kind>:<namespace>/<name>[#key]`, or `file:<path>` in the proxy; a certificate with its key is
`file:<certificate>~<key>`.

An empty namespace is that of the proxy which uses it. A name that ends in `-cacert` may also be the `ca.crt` of the
secret without that ending; `#ca.crt` asks for the roots in the very secret.
"""

Locality = tuple[str, str, str]
"""Region, zone, sub-zone; empty texts where unknown."""

Interception = Literal["redirect", "tproxy", "none"]
"""How traffic gets to a workload's own proxy: by a redirect, by one that keeps addresses, or not by itself: then the
workload is called at its proxy's address, and names the proxy as its HTTP proxy when it calls others."""


class Selector(Struct, frozen=True, cache_hash=True):
    """A set of workloads or services: all stated requirements hold."""

    namespaces: tuple[str, ...] | None = None
    clusters: tuple[str, ...] | None = None
    namespace_labels: tuple[LabelTerm, ...] = ()
    labels: tuple[LabelTerm, ...] = ()


TargetKind = Literal[
    "mesh",
    "namespace",
    "workloads",
    "node",
    "service",
    "inbound",
    "route",
    "listener",
    "gateway",
    "egress",
]


class Target(Struct, frozen=True):
    """What a fragment applies to. Where one must win, narrower kinds beat wider ones.

    `name` is `*` with kind inbound for every declared server of the namespace. `select` belongs to the kinds workloads,
    node and gateway.
    """

    kind: TargetKind
    namespace: str = ""
    name: str = ""
    port: int | str | None = None
    section: str = ""
    select: Selector | None = None


class Condition(Struct, frozen=True):
    """A test of one attribute: a value of `any_of` matches (None: not asked) and none of `none_of` does.

    Keys, with the layer that can know them (IR A6): L4 `peer.identity`, `peer.namespace`, `peer.account`,
    `peer.domain`, `peer.address`, `peer.workload`, `port`, `local.address`, `tls.name`; L7 `client.address`,
    `token.principal` (`<issuer>/<subject>`), `token.subject`, `token.issuer`, `token.audience`, `token.presenter`,
    `token.claim:<path>` (each part in brackets), `request.host` (with its port), `request.method`, `request.path`,
    `request.header:<name>`, `route`. A `peer.account` is `<namespace>/<account>`. Bytes have a `client.address` too.

    An absent attribute makes `any_of` false and `none_of` true (A4).
    """

    key: str
    any_of: tuple[Text | Selector | str, ...] | None = None
    none_of: tuple[Text | Selector | str, ...] = ()


All = tuple[Condition, ...]
"""A conjunction of conditions."""


class Transform(Struct, frozen=True):
    """Edits of a message, and the new location of a redirect. Port 0 keeps the request's.

    `path` replaces the whole path, `prefix` the matched prefix (the whole path where the match is exact or a regular
    expression; the first `/` where no path is matched), `path_regex` is (RE2, substitution).
    """

    set: Labels = ()
    add: Labels = ()
    remove: tuple[str, ...] = ()
    host: str | None = None
    scheme: str | None = None
    port: int | None = None
    path: str | None = None
    prefix: str | None = None
    path_regex: tuple[str, str] | None = None


class Tls(Struct, frozen=True):
    """One end of TLS, client or server.

    `mesh` is mutual TLS with the mesh's own identities. `server_name` is the SNI to send ("" = the request's host),
    `pins` are SHA-256 of public key or certificate, `versions` is (lowest, highest) as "1.2".
    """

    mode: Literal[
        "off",
        "one_way",
        "mutual",
        "mesh",
        "optional_mutual",
        "passthrough",
        "passthrough_mesh",
    ]
    certificates: tuple[SecretRef, ...] = ()
    roots: SecretRef | None = None
    crl: SecretRef | None = None
    server_name: str | None = None
    pins: tuple[str, ...] = ()
    peer_names: tuple[Text, ...] | None = None
    verify: bool = True
    versions: tuple[str, str] | None = None
    ciphers: tuple[str, ...] = ()
    curves: tuple[str, ...] = ()
