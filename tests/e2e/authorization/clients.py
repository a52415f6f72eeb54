"""Who calls, and what is asked: the same for every case."""

from msgspec import Struct
from tests.e2e.authorization.cases import DOMAINS
from tests.e2e.authorization.proxy import HTTP_PLACES, Connection, Proxy

from weft.mesh.access.context import HttpRequest, RequestContext

IDENTITIES = {
    "web": "spiffe://td.example/ns/shop/sa/web",
    "batch": "spiffe://td.example/ns/jobs/sa/batch",
    "old": "spiffe://old.example/ns/shop/sa/web",
    "foreign": "spiffe://foreign.example/ns/shop/sa/web",
}


class Client(Struct, frozen=True, kw_only=True):
    """A client: its certificate by name, where it is and where it connects to. No TLS at all for `plain`."""

    name: str
    identity: str | None = None
    plain: bool = False
    server_name: str | None = None
    address: str = "127.0.0.1"
    to: tuple[str, int] = HTTP_PLACES[0]

    def connection(self, proxy: Proxy, to: tuple[str, int] | None = None) -> Connection:
        """How it connects; its certificate is issued when it is first needed."""
        path = proxy.authority.folder / f"{self.identity}.pem"
        if self.identity and not path.exists():
            proxy.authority.issue(self.identity, IDENTITIES[self.identity])
        return Connection(
            tls=not self.plain,
            certificate=path if self.identity else None,
            server_name=self.server_name,
            from_address=self.address,
            to=to or self.to,
        )

    def context(self, request: "Request | None", to: tuple[str, int] | None = None) -> RequestContext:
        """What is known at the proxy; without a request, bytes flow."""
        address, port = to or self.to
        return RequestContext(
            judged="request" if request else "bytes",
            address=self.address,
            client=request.client if request else None,
            port=port,
            local_address=address,
            identity=IDENTITIES[self.identity] if self.identity else None,
            tls_name=self.server_name,
            request=request.http() if request else None,
            domains=DOMAINS,
        )


class Request(Struct, frozen=True, kw_only=True):
    """A request as it is sent; `normal` is its path as the proxy takes it, where that differs."""

    method: str = "GET"
    path: str = "/"
    normal: str | None = None
    host: str = "shop.test"
    users: tuple[str, ...] = ()
    client: str | None = None

    def headers(self) -> list[tuple[str, str]]:
        """Its headers, repeated ones one by one."""
        forwarded = [("x-forwarded-for", self.client)] if self.client else []
        return [("host", self.host), *(("x-user", user) for user in self.users), *forwarded]

    def http(self) -> HttpRequest:
        """The request as it is judged."""
        headers = tuple(("x-user", user) for user in self.users)
        return HttpRequest(method=self.method, path=self.normal or self.path, host=self.host, headers=headers)


CLIENTS = (
    Client(name="web", identity="web"),
    Client(name="web from afar", identity="web", server_name="api.shop", address="127.0.0.9", to=HTTP_PLACES[1]),
    Client(name="batch", identity="batch", server_name="shop"),
    Client(name="old", identity="old"),
    Client(name="foreign", identity="foreign"),
    Client(name="without certificate"),
    Client(name="plaintext", plain=True),
    Client(name="plaintext from afar", plain=True, address="127.0.0.8", to=HTTP_PLACES[1]),
)

REQUESTS = (
    Request(),
    Request(path="/admin?user=1"),
    Request(path="/admin/x", method="POST"),
    Request(path="/x/../admin", normal="/admin", method="DELETE"),
    Request(path="/a/b"),
    Request(path="/a/b/c", host="SHOP.test:8080"),
    Request(path="/a/", host="other.Test"),
    Request(path="/a.b/c", users=("alice",)),
    Request(path="/c", users=("bob", "alice"), method="POST"),
    Request(path="/a/b%2Fc/c", client="10.1.2.3"),
)
