"""What is known at a point about a connection and, where it is HTTP, about one request on it."""

from typing import Literal

from msgspec import Struct

from weft.ir.identities import parse_identity
from weft.ir.values import Identity, Labels


class HttpRequest(Struct, frozen=True, kw_only=True):
    """A request as it stands when it is judged: path normalized and with its query, header names in lower case.

    A header that stands there twice is judged by each of its values. `host` is the authority, with its port if it has
    one.
    """

    host: str
    method: str = "GET"
    path: str = "/"
    headers: Labels = ()


class RequestContext(Struct, frozen=True, kw_only=True):
    """What a judgement may depend on.

    `judged` says what flows: a request, bytes that are not HTTP, or a connection of which requests are not known yet
    (A6). `address` is the peer's; `identity` is set only from a verified certificate (A5); `client` is the address that
    the request came from at first (X-Forwarded-For, PROXY), by default the peer's. `domains` are the name and the
    aliases of the local trust domain; `approving` are the external checks that would let the request pass.
    """

    address: str
    port: int
    local_address: str
    judged: Literal["request", "bytes", "connection"] = "request"
    identity: Identity | None = None
    workload: tuple[str, Labels] | None = None
    tls_name: str | None = None
    client: str | None = None
    request: HttpRequest | None = None
    tokens: Labels = ()
    route: str | None = None
    domains: tuple[str, ...] = ()
    approving: tuple[str, ...] = ()
    point: str = ""


def attribute(context: RequestContext, key: str) -> tuple[str, ...]:
    """The values of a condition's key as texts; none where it is absent (A4). ValueError for a key that is no text."""
    if key.startswith("request."):
        return _of_request(context.request, key.removeprefix("request."))
    if key.startswith("token."):
        return tuple(value for name, value in context.tokens if name == key)
    if key in ("peer.namespace", "peer.account", "peer.domain"):
        return _of_identity(context.identity, key)
    values = {
        "peer.identity": context.identity,
        "peer.address": context.address,
        "local.address": context.local_address,
        "client.address": context.client or context.address,
        "tls.name": context.tls_name,
        "route": context.route,
    }
    if key not in values:
        raise ValueError(f"no judgement knows the attribute {key!r}")
    found = values[key]
    return () if found is None else (found,)


def _of_request(request: HttpRequest | None, name: str) -> tuple[str, ...]:
    if request is None:
        return ()
    if name.startswith("header:"):
        return _of_headers(request, name.removeprefix("header:"))
    values = {"host": request.host.lower(), "method": request.method, "path": _without_query(request.path)}
    return (values[name],)


def _of_headers(request: HttpRequest, name: str) -> tuple[str, ...]:
    """Values of a header; those of HTTP/2 that begin with a colon are the request line's, in every version."""
    line = {":authority": request.host, "host": request.host, ":method": request.method, ":path": request.path}
    if name in line:
        return (line[name],)
    return tuple(value for header, value in request.headers if header == name)


def _without_query(path: str) -> str:
    return path.partition("#")[0].partition("?")[0]


def _of_identity(identity: Identity | None, key: str) -> tuple[str, ...]:
    name = parse_identity(identity) if identity is not None else None
    if name is None:
        return ()
    if key == "peer.account":
        return (f"{name.namespace}/{name.account}",)
    return (name.namespace,) if key == "peer.namespace" else (name.domain,)
