"""What keeps a mesh from running, as the command line says it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from weft.apps.claim import ForeignFolderError, MeshRunningError
from weft.cli.errors import Failure
from weft.node.addresses import NoRoomError
from weft.node.envoy import NoEnvoyError
from weft.node.inspection import InspectionError
from weft.node.lock import NodeRunningError
from weft.node.tools import ToolError


def require_root(command: str) -> None:
    """Raises Failure for an ordinary user; `command` is how to do it as root."""
    if os.geteuid() != 0:
        hint = f"run `{command}`; running without root comes in a later release"
        raise Failure("a mesh needs network namespaces, and so root", hint=hint)


@contextmanager
def mesh_failures() -> Iterator[None]:
    """Turns what is expected to go wrong with a mesh into Failure, with the way out."""
    try:
        yield
    except MeshRunningError as error:
        raise Failure(f"{error}", hint="`weft status` shows it, `weft down` ends it") from error
    except ForeignFolderError as error:
        raise Failure(f"{error}", hint="name another folder with --state-dir") from error
    except (InspectionError, NodeRunningError, NoEnvoyError, NoRoomError, ToolError, OSError) as error:
        raise Failure(str(error)) from error
