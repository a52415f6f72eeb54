"""How a process is begun, and how a command gets to where it runs: the part of starting that isolation decides."""

from typing import Protocol

from weft.node.launch import Launch
from weft.node.processes import ProcessRecord


class Chain(Protocol):
    """Makes argument vectors. All raise LaunchError for what would be misread on the way."""

    def start(self, launch: Launch) -> list[str]:
        """What starts a process: it says READY on its standard error, waits for GO on its standard input (`launch`),
        and then becomes the command, under the same process id, with all its output in its standard output."""

    def execute(self, process: ProcessRecord, launch: Launch, command: tuple[str, ...]) -> list[str]:
        """What runs `command` as the process of this launch runs: same place, user, environment and folder. The caller
        may be inside or outside of the mesh's namespaces, and has seen to it that the process still runs."""
