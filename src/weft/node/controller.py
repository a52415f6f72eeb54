"""What the node needs from the controller."""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from weft.model.local import Credentials, NodeOrders, PodReport


class ControllerError(Exception):
    """The controller did not answer, or not as agreed; trying again later is all that helps."""


class Controller(Protocol):
    """The controller, as a node sees it."""

    def orders(self) -> AsyncIterator[NodeOrders]:
        """The orders, and again whenever they change. Never ends: it waits for a controller that is away."""

    async def report(self, reports: Sequence[PodReport]) -> None:
        """Says how pods are. Raises ControllerError."""

    async def credentials(self, uid: str) -> Credentials:
        """New credentials for the Envoy of a pod. Raises ControllerError."""
