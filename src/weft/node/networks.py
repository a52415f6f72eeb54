"""What a way of isolation must be able to do with networks: that of the mesh, and that of each pod."""

from pathlib import Path
from typing import Protocol

from weft.base.families import Address
from weft.model.local import RedirectOrder
from weft.node.addresses import MeshNetwork


class PodNet(Protocol):
    """The network of one pod. All raise ToolError or OSError."""

    @property
    def pin(self) -> Path | None:
        """The file of its namespace; None is the one that we are in."""

    @property
    def inode(self) -> int | None:
        """A number that another network of this pod would not have; None if there is none."""

    async def create(self, addresses: tuple[Address, ...]) -> None:
        """Makes it with an address of each family, in the place of what may be left of former ones."""

    async def redirect(self, order: RedirectOrder | None) -> None:
        """Replaces the redirection in one step; None ends it. Raises ValueError for a bad order."""

    async def load_services(self, table: str) -> None:
        """Replaces the table of virtual addresses (input of `nft -f`) in one step."""

    async def remove(self) -> None:
        """Removes it with every process in it, as far as they exist."""


class Networks(Protocol):
    """The networks of a mesh on this machine. All raise ToolError or OSError."""

    async def prepare(self) -> MeshNetwork:
        """Makes the mesh's network, or completes it, and says which addresses it has; those that were chosen once stay.

        Raises NoRoomError where no range is free.
        """

    def of_pod(self, network: MeshNetwork, identifier: str) -> PodNet:
        """The network of a pod, which is named by `identifier` (`pod_id`), whether it exists or not."""

    def remaining(self) -> set[str]:
        """The identifiers of pods that have a network, also of those that nothing else is known of."""

    async def remove_pod(self, identifier: str) -> None:
        """Removes the network of a pod and every process in it, as far as they exist."""

    async def remove(self) -> None:
        """Removes the mesh's network. Those of pods must have been removed before."""
