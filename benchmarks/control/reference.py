"""istiod's figures, to be read beside those of Weft: measured on another day, on a machine like that of the benchmark.

Its `master` of August 2026 with 1,000 services of 2 endpoints on port 80 (HTTP) in one namespace, over delta ADS
without TLS. Delays count its debounce of 100 ms. Where several were measured these are their middles.
"""

from typing import Final

from benchmarks.control.changes import CONNECT, ENDPOINT, ROUTE, RULE, SERVICE
from msgspec import Struct

SERVICES: Final = 1_000


class Reference(Struct, frozen=True):
    """Milliseconds until the last proxy had it, seconds of processor time, bytes sent; None is not known."""

    last: float | None
    cpu: float
    received: float | None = None


ISTIOD: Final = {
    (CONNECT, 100): Reference(None, 8.5),
    (CONNECT, 500): Reference(25_000, 35.7),
    (ENDPOINT, 100): Reference(142, 0.035),
    (ENDPOINT, 500): Reference(195, 0.15),
    (ROUTE, 100): Reference(950, 1.1, 51e6),
    (ROUTE, 500): Reference(3_200, 4.0, 254e6),
    (RULE, 100): Reference(1_000, 1.0),
    (RULE, 500): Reference(2_850, 3.7),
    (SERVICE, 100): Reference(1_300, 1.6),
    (SERVICE, 500): Reference(5_150, 7.0),
}
"""By event and number of proxies."""

STREAM_LAST: Final = {(20, 100): 9_200.0}
"""Milliseconds until the last of 100 proxies had one of 20 writes a second."""

PEAK: Final = {500: 700.0}
"""The most memory while all connected, in MiB, by number of proxies."""
