"""What a former demo left, and what is somebody else's."""

from __future__ import annotations

from typing import Final

from weft.apps.claim import is_empty, maker, require_home, running_pid
from weft.base.places import Places
from weft.cli.errors import Failure
from weft.node.hub import hub_name
from weft.node.namespaces import pinned_inode

MAKER: Final = "demo"


def require_own(places: Places, weft: str) -> bool:
    """Whether a former demo left something. Raises Failure where another mesh, or a demo that runs, would suffer, and
    ForeignFolderError.

    `weft` is how commands of this mesh begin.
    """
    pid = running_pid(places)
    if pid is not None:
        what = "the demo runs already" if maker(places) == MAKER else f"a mesh named {places.mesh} runs already"
        raise Failure(f"{what} (process {pid})", hint=f"`{weft} down` ends it")
    require_home(places)
    if not is_empty(places):
        if maker(places) == MAKER:
            return True
        problem = f"{places.state} is of a mesh that `weft demo` did not make"
    elif pinned_inode(hub_name(places.mesh)) is not None:
        problem = f"there is a network of a mesh named {places.mesh} that keeps its state elsewhere"
    else:
        return False
    hint = f"`{weft} down` removes that mesh; `weft --mesh NAME demo` leaves it alone"
    raise Failure(problem, hint=hint)
