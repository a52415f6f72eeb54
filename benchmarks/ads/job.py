"""What the load client is told, and what it says, as lines of JSON."""

from benchmarks.ads.arrivals import Mark
from benchmarks.ads.content import Protocol
from msgspec import Struct


class ProxyJob(Struct, frozen=True):
    """One proxy: its envoy.config.core.v3.Node, and the token that it shows, if any."""

    node: bytes
    token: str = ""


class Job(Struct, frozen=True, kw_only=True):
    """Where to connect to, and as whom.

    `roots` are trusted certificates as PEM; without any the connection is in plaintext. `server_name` is the name that
    the server's certificate must have. A proxy whose stream ends connects again, up to `attempts` times.
    """

    host: str
    port: int
    proxies: tuple[ProxyJob, ...]
    protocol: Protocol = "delta"
    roots: str = ""
    server_name: str = ""
    attempts: int = 5


class Watch(Struct, frozen=True, tag=True):
    """Begins to wait for marks, and to count anew; with `connect` all proxies connect now, or once more."""

    marks: tuple[Mark, ...] = ()
    connect: bool = False


class Await(Struct, frozen=True, tag=True):
    """Waits until every proxy is configured, has all marks, and nothing came for `quiet` seconds; `limit` ends it."""

    limit: float
    quiet: float


class Ready(Struct, frozen=True):
    """The watch has begun, at a time of CLOCK_MONOTONIC."""

    time: float


class Report(Struct, frozen=True, kw_only=True):
    """What came since the last watch began; times are those of CLOCK_MONOTONIC, one for each proxy.

    `configured` is when a proxy last had all that it asked for; `times` are those of each mark. `received` counts bytes
    above TLS, `responses` discovery responses by type URL. `cpu` is processor time of the load client. `failures` are
    the reasons of streams that ended; `lost` proxies gave up for good.
    """

    time: float
    configured: tuple[float | None, ...]
    times: tuple[tuple[float | None, ...], ...]
    received: int
    responses: dict[str, int]
    cpu: float
    failures: tuple[str, ...] = ()
    lost: int = 0
