"""The objects of files that a command names, read once."""

from __future__ import annotations

import time
from collections.abc import Sequence

from msgspec import Struct

from weft.apps.pipeline import all_kinds
from weft.base.issues import Ref
from weft.cli.errors import Misuse
from weft.dialects.kubernetes.pod import workload_name
from weft.model.kinds import Kinds
from weft.model.kubernetes import PodSpec
from weft.model.objects import Object
from weft.sources.changes import Changes
from weft.sources.directory.limits import Limits
from weft.sources.directory.named import NamedFiles, missing_names
from weft.sources.dump import take_apart


class OfflineFiles(Struct, frozen=True):
    """What files hold: pods that a cluster made and wrote down, and all `other` objects. `source` knows where what
    stands."""

    kinds: Kinds
    source: NamedFiles
    pods: tuple[Object[PodSpec], ...]
    other: Changes

    @property
    def empty(self) -> bool:
        """Whether there is nothing at all, not even something that can't be read."""
        return not (self.pods or self.other.upserts or self.other.issues)

    def made(self, ref: Ref) -> bool:
        """Whether a cluster made a pod, or the replicas of something of this name."""
        near = (pod.metadata for pod in self.pods if pod.metadata.namespace == ref.namespace)
        return any(ref.name in (meta.name, workload_name(meta)) for meta in near)


def read_files(names: Sequence[str], *, recursive: bool) -> OfflineFiles:
    """Reads files, folders and standard input (`-`). Raises Misuse for a name that leads to nothing."""
    missing = missing_names(names)
    if missing:
        raise Misuse(f"there is no file or folder {missing[0]}")
    kinds = all_kinds()
    source = NamedFiles(names, kinds, clock=time.time, limits=Limits(recursive=recursive))
    found = source.scan()
    dump = take_apart(found, source.bodies)
    return OfflineFiles(kinds, source, dump.pods, dump.rest)
