"""What the API needs from those that do the work, and the values that travel."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal, Protocol

from msgspec import Struct

from weft.base.issues import LocatedIssue, Ref
from weft.model.kinds import Kinds
from weft.model.local import Credentials, NodeOrders, PodReport
from weft.serve.ads.states import ProxyState


class ConflictError(Exception):
    """A change that what there is does not allow; the message says why."""


class Applied(Struct, frozen=True):
    """What became of an object that was applied. A refused one changed nothing."""

    ref: Ref | None
    result: Literal["created", "configured", "unchanged", "refused"]
    issues: tuple[LocatedIssue, ...] = ()


class PodCount(Struct, frozen=True):
    """Pods that shall run, and those of them that are ready; what has ended for good counts no more."""

    wanted: int
    ready: int


class MeshStatus(Struct, frozen=True, kw_only=True):
    """The mesh at a glance. `node_seen` is when the node last reported, in Unix seconds; None if it never did."""

    mesh: str
    version: str
    isolation: str
    folder: str
    started: int
    node_seen: int | None
    pods: PodCount
    proxies: dict[str, int]
    nacks: int
    issues: tuple[LocatedIssue, ...]


class TableState(Struct, frozen=True):
    """One table of the graph: the values that it holds, and how many were computed since the start, or found to be as
    they were without computing them."""

    name: str
    nodes: int
    computed: int
    cut_off: int


class GraphState(Struct, frozen=True):
    """The graph that configuration is computed by. `revision` counts changes of what is put in."""

    revision: int
    tables: tuple[TableState, ...]


class PushReason(Struct, frozen=True, kw_only=True):
    """A push, and what led to it: `changes` are the objects that changed before it, `more_changes` are not listed.

    `time` in Unix seconds, `waited` in seconds from the first change on. `resources` are what it told, by type; of
    `names` in all those that are remembered. `moved`: the proxy shows another view since, so more may have been told.
    """

    number: int
    time: float
    waited: float
    lane: str
    changes: tuple[str, ...]
    more_changes: int
    resources: dict[str, tuple[str, ...]]
    names: int
    moved: bool = False


class Objects(Protocol):
    """The objects of the mesh. Manifests are objects as Kubernetes writes them."""

    @property
    def kinds(self) -> Kinds:
        """The kinds that are known."""

    def manifests(self, kind: str, namespace: str | None) -> Iterable[dict[str, Any]]:
        """All objects of a kind (its key) as they are now, sorted by namespace and name; None means all namespaces.

        To be called on the event loop; what it returns is read in a thread, as that may take long.
        """

    def manifest(self, ref: Ref) -> dict[str, Any] | None:
        """One object, None if there is none."""

    def apply(self, body: dict[str, Any]) -> Applied:
        """Creates or replaces an object."""

    def label(self, ref: Ref, changes: dict[str, str | None]) -> Applied:
        """Sets labels of an object, and removes those whose value is None. KeyError if there is no such object."""

    def delete(self, ref: Ref) -> bool:
        """Deletes an object; False if there is none. Raises ConflictError."""

    def events(self, namespace: str | None) -> Sequence[Struct]:
        """What happened of late, oldest first."""

    def issues(self, ref: Ref | None) -> Sequence[LocatedIssue]:
        """What is wrong with an object, or with all."""


class MeshView(Protocol):
    """The running mesh as a whole."""

    async def told(self) -> None:
        """Waits, for a while, until proxies were told what has changed so far: only then do states of theirs tell."""

    def status(self) -> MeshStatus:
        """The mesh at a glance."""

    def proxies(self) -> Sequence[ProxyState]:
        """All connected proxies."""

    def related(self, ref: Ref) -> dict[str, list[str]]:
        """What an object is connected with, for people: endpoints of a service, policies that select a pod."""


class Debug(Protocol):
    """What the controller tells of itself."""

    def metrics(self) -> bytes:
        """All metrics, as Prometheus reads them."""

    def graph(self) -> GraphState:
        """How much the graph holds, and how often it computed."""

    def reasons(self, pod: Ref | None) -> Sequence[PushReason]:
        """The last pushes, the newest first: all, or those to the proxy of a pod. KeyError if it is not connected."""


class Node(Protocol):
    """What the node process asks for."""

    async def orders(self, after: int | None, wait: float) -> NodeOrders | None:
        """The orders if their revision is not `after`; else waits up to `wait` seconds for others. None: no change."""

    def report(self, reports: Sequence[PodReport]) -> None:
        """Takes note of how pods are."""

    def credentials(self, uid: str) -> Credentials | None:
        """New credentials for the Envoy of a pod; None if there is no such pod."""
