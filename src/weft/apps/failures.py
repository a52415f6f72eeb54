"""What keeps a mesh from running, as the command line says it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from weft.apps.children import ChildFailedError
from weft.apps.claim import ForeignFolderError, MeshRunningError
from weft.cli.errors import Failure
from weft.node.addresses import NoRoomError
from weft.node.choice import IsolationError
from weft.node.envoy import NoEnvoyError
from weft.node.hub import FamiliesError
from weft.node.inspection import InspectionError
from weft.node.lock import NodeRunningError
from weft.node.ownership import ForeignMeshError
from weft.node.tools import ToolError

_EXPECTED: Final = (
    ChildFailedError,
    FamiliesError,
    InspectionError,
    NoEnvoyError,
    NoRoomError,
    NodeRunningError,
    OSError,
    ToolError,
)


@contextmanager
def mesh_failures() -> Iterator[None]:
    """Turns what is expected to go wrong with a mesh into Failure, with the way out."""
    try:
        yield
    except MeshRunningError as error:
        raise Failure(f"{error}", hint="`weft status` shows it, `weft down` ends it") from error
    except ForeignFolderError as error:
        raise Failure(f"{error}", hint="name another folder with --state-dir") from error
    except ForeignMeshError as error:
        hint = "name that folder with --state-dir, or another mesh with --mesh"
        raise Failure(f"{error}", hint=hint) from error
    except IsolationError as error:
        raise Failure(f"{error}", hint="`--isolation auto` takes the best that works here") from error
    except _EXPECTED as error:
        raise Failure(str(error)) from error
