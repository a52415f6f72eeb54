"""What a sidecar costs that sees many services: memory, and time to be ready."""

import time
from functools import partial
from typing import Final

from benchmarks.lab import manifests, meshes
from benchmarks.lab.results import Footprint
from benchmarks.startup import memory

_SETTLE: Final = 3.0


def footprint(services: int) -> Footprint:
    """Runs a mesh of one pod with a sidecar and some services, and looks at it when it has been ready for a while."""
    with meshes.running(partial(manifests.write_services, count=services)) as mesh:
        time.sleep(_SETTLE)
        envoy = mesh.pod("client").envoy
        if envoy is None:
            raise LookupError("the pod has no sidecar")
        return Footprint(services, mesh.seconds, memory(envoy).dirty / 1024)
