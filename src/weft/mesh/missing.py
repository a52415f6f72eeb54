"""Groups of what is looked for and mostly not there (`graph.buckets.Buckets`): as small as they can be without a
node for each question, and the same in every process."""

from typing import Final
from zlib import crc32

_GROUPS: Final = 1024
"""With 10,000 services, what comes for one of them makes nine others look again."""


def host_group(host: str) -> int:
    """The group of a host that nothing is said of."""
    return crc32(host.encode()) % _GROUPS


def address_group(address: str) -> str:
    """The group of an address that nobody has: what comes before the last part, so that endpoints beside each other are
    one question."""
    return address.rpartition("." if "." in address else ":")[0]
