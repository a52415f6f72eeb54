"""The ways from a client to a server that are compared."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.lab import manifests, static_pair
from benchmarks.lab.meshes import Mesh, running
from msgspec import Struct
from msgspec.structs import replace

DIRECT: Final = "direct"
ONE_HOP: Final = "one hop"
STATIC: Final = "static pair"
MESH: Final = "mesh"
KEPT: Final = "mesh, HTTP/1.1"
LOGGED: Final = "mesh, access log"
PLAIN: Final = "plain"
OTHER: Final = "other version"

ABOUT: Final = {
    DIRECT: "from one network namespace to another, without Envoy",
    ONE_HOP: "through the client's sidecar, with routing and statistics, to a server without one",
    STATIC: "a bare static pair of Envoys: mutual TLS with HTTP/2 between them, and nothing else",
    MESH: "through both sidecars: mutual TLS, routing, STRICT, an AuthorizationPolicy, statistics",
    KEPT: "the same, with `h2UpgradePolicy: DO_NOT_UPGRADE`: HTTP/1.1 travels as such between the sidecars, too",
    LOGGED: "as `mesh`, and each sidecar writes a line for each request (accessLogFile: /dev/stdout)",
    OTHER: "as `mesh`, by the other version of Weft (--against)",
}


class Way(Struct, frozen=True):
    """One way: its name, a process in the client's network, the address for each port, the host, and the Envoys.

    It is another one than others only for the `protocols`, or for all where none are named.
    """

    name: str
    client: int
    address: Callable[[int], str]
    host: str
    envoys: tuple[int, ...]
    protocols: tuple[str, ...] = ()

    def carries(self, protocol: str) -> bool:
        """Whether loads of a protocol are to be measured on it."""
        return not self.protocols or protocol in self.protocols


@contextmanager
def ways(envoy: Path, folder: Path, against: Path | None) -> Iterator[list[Way]]:
    """Runs all that is compared, at the same time, and yields the ways in order; `against` is another version."""
    with ExitStack() as stack:
        mesh = stack.enter_context(running(partial(manifests.write_comparison, envoy=envoy, access_log=False)))
        logged = stack.enter_context(running(partial(manifests.write_comparison, envoy=envoy, access_log=True)))
        client, server = mesh.pod("plain-client"), mesh.pod("plain-server")
        pair = stack.enter_context(static_pair.running(client, server, envoy, folder / "static"))
        found = [
            Way(DIRECT, client.process, partial(_at, server.address), manifests.HOST, ()),
            _through(ONE_HOP, mesh, PLAIN),
            Way(
                STATIC, client.process, partial(_at, "127.0.0.1", offset=static_pair.CLIENT_SIDE), manifests.HOST, pair
            ),
            _through(MESH, mesh, "echo"),
            replace(_through(KEPT, mesh, "kept"), protocols=("HTTP/1.1",)),
            _through(LOGGED, logged, "echo"),
        ]
        if against is not None:
            write = partial(manifests.write_comparison, envoy=envoy, access_log=False)
            found.append(_through(OTHER, stack.enter_context(running(write, against)), "echo"))
        yield found


def _through(name: str, mesh: Mesh, service: str) -> Way:
    client, server = mesh.pod("client"), mesh.pod("server")
    hops = (client,) if service == PLAIN else (client, server)
    envoys = tuple(pod.envoy for pod in hops if pod.envoy is not None)
    address = partial(_at, mesh.service_address(service))
    return Way(name, client.process, address, f"{service}.{manifests.NAMESPACE}", envoys)


def _at(address: str, port: int, offset: int = 0) -> str:
    return f"{address}:{port + offset}"
