"""Limits of the machine that a mesh is larger than."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from weft.base.issues import Issue
from weft.model import codes
from weft.sources.local.cluster import LocalCluster

_INOTIFY: Final = Path("/proc/sys/fs/inotify/max_user_instances")
_INSTANCES: Final = 2
"""Instances of inotify that an Envoy of ours opens, as its file descriptors show."""

_REST: Final = 8
"""Instances for the controller, which watches files, and other programs of the user."""


def machine_limits(cluster: LocalCluster, limit: Path = _INOTIFY) -> Iterator[Issue]:
    """What is too little for the proxies of a mesh; nothing where the machine does not say it.

    Linux counts instances of inotify for each user (inotify(7)), and all Envoys of a machine run as one.
    """
    proxies = sum(record.deleted is None and record.injected != "none" for record in cluster.pods.records())
    wanted = proxies * _INSTANCES + _REST
    allowed = _read(limit)
    if allowed is None or wanted <= allowed:
        return
    message = f"{proxies} proxies need {wanted} instances of inotify, and a user may have {allowed}"
    effect = "Envoys beyond that end as soon as they start"
    advice = f"as root: sysctl fs.inotify.max_user_instances={max(8192, 2 * wanted)}"
    yield Issue(codes.MACHINE_LIMIT, "warning", None, "", message, effect, advice)


def _read(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None
