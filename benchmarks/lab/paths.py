"""The ways from a client to a server that are compared."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.lab import manifests, static_pair
from benchmarks.lab.meshes import Mesh, running
from msgspec import Struct

DIRECT: Final = "direct"
ONE_HOP: Final = "one hop"
STATIC: Final = "static pair"
MESH: Final = "mesh"
LOGGED: Final = "mesh, access log"
OTHER: Final = "other version"

ABOUT: Final = {
    DIRECT: "from one network namespace to another, without Envoy",
    ONE_HOP: "through the client's sidecar, with routing and statistics, to a server without one",
    STATIC: "a bare static pair of Envoys: mutual TLS with HTTP/2 between them, and nothing else",
    MESH: "through both sidecars: mutual TLS, routing, STRICT, an AuthorizationPolicy, statistics",
    LOGGED: "the same, and each sidecar writes a line for each request (accessLogFile: /dev/stdout)",
    OTHER: "as `mesh`, by the other version of Weft (--against)",
}


class Way(Struct, frozen=True):
    """One way: its name, a process in the client's network, the address for each port, the host, and the Envoys."""

    name: str
    client: int
    address: Callable[[int], str]
    host: str
    envoys: tuple[int, ...]


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
            _through(ONE_HOP, mesh, "plain"),
            Way(
                STATIC, client.process, partial(_at, "127.0.0.1", offset=static_pair.CLIENT_SIDE), manifests.HOST, pair
            ),
            _through(MESH, mesh, "echo"),
            _through(LOGGED, logged, "echo"),
        ]
        if against is not None:
            write = partial(manifests.write_comparison, envoy=envoy, access_log=False)
            found.append(_through(OTHER, stack.enter_context(running(write, against)), "echo"))
        yield found


def _through(name: str, mesh: Mesh, service: str) -> Way:
    client, server = mesh.pod("client"), mesh.pod("server")
    envoys = tuple(
        pod.envoy for pod in (client, server) if pod.envoy is not None and (pod is client or service == "echo")
    )
    address = partial(_at, mesh.service_address(service))
    return Way(name, client.process, address, f"{service}.{manifests.NAMESPACE}", envoys)


def _at(address: str, port: int, offset: int = 0) -> str:
    return f"{address}:{port + offset}"
