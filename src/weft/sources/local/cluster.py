"""The cluster as a whole: objects go into the graph with what a cluster adds to them, pods follow, orders come out.

A change costs what it touches: an object leads to the Deployment or Pod that it concerns, a report to its pod's owner.
What users of kubectl expect holds: pods change only with their own Deployment, never with their Namespace, ConfigMaps
or other Deployments; a Deployment or Pod that an API server would refuse leaves its pods as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, Literal

from msgspec import Struct

from weft.base.issues import Issue, LocatedIssue, Position, Ref
from weft.mesh.fragments import Objects
from weft.model.istio_mesh import CONFIG_MAP
from weft.model.kubernetes import Deployment, Job, LabelSelector, PodSpec
from weft.model.local import NodeOrders, PodReport
from weft.model.objects import Object
from weft.sources.local.addresses import PodAddresses
from weft.sources.local.admission import Admission
from weft.sources.local.checks import Workload, errors, warnings
from weft.sources.local.events import EventLog
from weft.sources.local.folders import ImageFolders
from weft.sources.local.host_ports import taken_ports
from weft.sources.local.job_records import JobRecords
from weft.sources.local.job_runner import JOB, JobRunner, selector_labels
from weft.sources.local.orders import NetworkOrders, OrderBook
from weft.sources.local.planner import CONFIGURATION, Planner, ProxyDefaults
from weft.sources.local.plans import PodPlan, explained, pod_object
from weft.sources.local.pod_maker import PodMaker
from weft.sources.local.pod_orders import Bootstraps
from weft.sources.local.pods import POD, PodRecord, Pods
from weft.sources.local.services import Pools, ServiceAddresses
from weft.sources.local.store import Body, ObjectStore
from weft.sources.local.workloads import Workloads

DEPLOYMENT: Final = "Deployment.apps"
STANDALONE: Final = "Standalone.weft.dev"
_OWNERS: Final = (DEPLOYMENT, JOB, POD)

LINGER: Final = 1.0
"""Seconds that a deleted pod still runs after it left the endpoints, so that all clients have heard of it."""

REMOVAL: Final = 60.0
"""Seconds after which a deleted pod is forgotten although the node did not say that it is gone."""

_REMOVED: Final = "Removed"
"""The reason by which the node says that nothing of a pod is left (`model.local.PodReport`)."""


class Addresses(Struct, frozen=True):
    """Where addresses come from; gateways have the machine's own addresses `hosts`, its primary one first."""

    pods: PodAddresses
    services: Pools
    entries: Pools
    hosts: tuple[str, ...]


class Remembered(Struct, frozen=True):
    """What a cluster goes on with after a restart, besides its objects."""

    pods: Pods
    jobs: JobRecords


class LocalCluster:
    """Keeps the graph's objects, the pods and the node's orders in step. `clock` gives Unix seconds."""

    def __init__(
        self,
        store: ObjectStore,
        remembered: Remembered,
        *,
        objects: Objects,
        network: NetworkOrders,
        addresses: Addresses,
        clock: Callable[[], float],
    ) -> None:
        self.store = store
        self.pods = pods = remembered.pods
        self.events = EventLog(clock)
        self._objects = objects
        self._clock = clock
        self._admission = Admission(store, objects, ServiceAddresses(addresses.services, addresses.entries))
        self.namespaces = self._admission.namespaces
        self._folders = ImageFolders(store.place)
        defaults = ProxyDefaults(captures_dns=network.captures_dns, concurrency=network.concurrency)
        self._planner = Planner(store, pods, addresses.pods, hosts=addresses.hosts, defaults=defaults)
        self._maker = PodMaker(pods, self, clock)
        self._workloads = Workloads(pods, self._maker)
        self.jobs = JobRunner(pods, remembered.jobs, self._maker, events=self.events, clock=clock)
        self._book = OrderBook(network, int(clock() * 1_000))
        self._gone: set[str] = set()
        self._resumed: Literal["no", "pods", "all"] = "no"

    # ---- what happens --------------------------------------------------------------------------------------------
    def refresh(self, touched: Iterable[Ref]) -> None:
        """Takes over objects that may be different, and does what follows for pods, also what only time brings."""
        refs = set(touched)
        with self.store.together():
            self._admission.take(refs)
            due = self._concerned(refs) | self._resume() | self.jobs.take_due()
            self._expire()
            self._pursue(due)

    def report(self, reports: Sequence[PodReport]) -> bool:
        """Takes over what the node says; True if something is new."""
        before = {report.uid: self.pods.report(report.uid) for report in reports}
        fresh = self.pods.take_reports(reports)
        for report in fresh:
            record, plan = self.pods.get(report.uid), self._planner.get(report.uid)
            if record is None:
                continue
            self.events.compare(record.ref, before[report.uid], explained(plan, report) if plan else report)
            if report.reason == _REMOVED and record.deleted is not None:
                self._forget(record)
        if fresh:
            self.refresh(())
        return bool(fresh)

    def relabel(self, record: PodRecord, labels: dict[str, str]) -> None:
        """Gives a pod of a Deployment or Job other labels, without restarting it."""
        self._workloads.relabel(record, labels, self._selector(record))
        self.refresh((record.owner,) if record.owner is not None else ())

    def _selector(self, record: PodRecord) -> LabelSelector | None:
        """By which labels the owner of a pod knows it; None if there is no owner."""
        owner = self.store.value(record.owner) if record.owner is not None else None
        job = self.jobs.record(record.owner) if record.owner is not None else None
        if job is not None:
            return LabelSelector(match_labels=selector_labels(job))
        return owner.spec.selector if isinstance(owner, Object) and isinstance(owner.spec, Deployment) else None

    def end(self, record: PodRecord) -> None:
        """Ends one pod; its owner makes another one."""
        self.pods.end(record.uid)
        self.refresh(())

    # ---- what is known -------------------------------------------------------------------------------------------
    def orders(self, bootstraps: Bootstraps, trust_revision: int) -> NodeOrders:
        """The node's orders; their revision is another one than before only if something differs."""
        return self._book.orders(bootstraps, trust_revision)

    @property
    def unsettled(self) -> bool:
        """Whether time alone changes something now: a pod that was deleted is still there, or a Job's time has come."""
        return bool(self.pods.ending()) or self.jobs.is_due

    def take_gone(self) -> set[str]:
        """The uids of pods that have gone since the last call. One that is ending has not: while its clients leave it
        still calls others, and must hear where they are."""
        gone, self._gone = self._gone, set()
        return gone

    def plan(self, uid: str) -> PodPlan | None:
        """A pod with what was decided about it, also while it is ending."""
        return self._planner.get(uid)

    def template(self, workload: Workload) -> str:
        """The hash of what new pods of a Deployment or Pod are made from."""
        return self._maker.template(workload)

    def refusals(self, workload: Workload) -> Iterator[Issue]:
        """What of a Job can't be changed any more, and is otherwise than it was."""
        if isinstance(workload.spec, Job):
            yield from self.jobs.refusals(workload)

    def object(self, ref: Ref) -> Object[Any] | None:
        """A readable object as the mesh uses it, with what the cluster added."""
        found = self._objects.get(ref)
        return found if isinstance(found, Object) else None

    def issues(self, ref: Ref | None = None) -> list[LocatedIssue]:
        """What can't be done for pods, addresses and folders; of one object, or of all."""
        taken = taken_ports(self.pods.records())
        everything = (*self._admission.issues(), *self._folders.issues(), *self._planner.issues(), *taken)
        found = [issue for issue in everything if ref in (None, issue.ref)]
        for workload in self._asked_for() if ref is None else self._workload(ref):
            found += [*errors(workload), *warnings(workload), *self._planner.gaps(workload), *self.refusals(workload)]
        return [self.located(issue) for issue in found]

    def located(self, issue: Issue) -> LocatedIssue:
        """An issue with the place of its object, or field, in a file."""
        return LocatedIssue(issue, self._position(issue))

    # ---- surroundings of workloads -------------------------------------------------------------------------------
    def namespace_labels(self, namespace: str) -> dict[str, str]:
        """As in `pod_maker.Surroundings`."""
        return self.namespaces.labels(namespace)

    def folders(self, spec: PodSpec) -> dict[str, str]:
        """As in `pod_maker.Surroundings`."""
        return self._folders.of(spec)

    def written(self, owner: Ref) -> Body:
        """As in `pod_maker.Surroundings`."""
        return self.store.body(owner) or {}

    # ---- pods ----------------------------------------------------------------------------------------------------
    def _concerned(self, refs: set[Ref]) -> set[Ref]:
        """The Deployments and Pods that follow from changed objects, and pods that may have waited for those."""
        kinds = {ref.kind for ref in refs}
        for ref in refs:
            if ref.kind == STANDALONE:
                self._folders.take(ref, self.store.value(ref))
        if not kinds.isdisjoint(CONFIGURATION):
            every = any(ref.kind == "ConfigMap" and ref.name == CONFIG_MAP for ref in refs)
            for record in self.pods.records() if every else self._planner.waiting():
                self._follow(record)
        return self._all_owners() if STANDALONE in kinds else {ref for ref in refs if ref.kind in _OWNERS}

    def _resume(self) -> set[Ref]:
        """Goes on with the pods of a former controller; what went away meanwhile is let go once all is known."""
        if self._resumed == "no":
            self._resumed = "pods"
            for record in self.pods.records():
                self._follow(record)
        if self._resumed == "pods" and self.store.complete:
            self._resumed = "all"
            self._admission.keep_only_present()
            self._planner.keep_only(record.uid for record in self.pods.records())
            return self._all_owners()
        return set()

    def _all_owners(self) -> set[Ref]:
        return set(self.store.refs(*_OWNERS)) | self.pods.owners() | self.jobs.refs()

    def _pursue(self, due: set[Ref]) -> None:
        """Makes and ends pods until nothing is left to do."""
        changed = self.pods.take_changed()
        while due or changed:
            for record in changed:
                self._follow(record)
            due |= {record.owner for record in changed if record.owner is not None}
            for ref in sorted(due):
                self._reconcile(ref)
            due, changed = set(), self.pods.take_changed()

    def _reconcile(self, owner: Ref) -> None:
        value = self.store.value(owner)
        if value is None and self.store.complete:
            self.jobs.end(owner)
            self._workloads.end(owner)
        elif isinstance(value, Object) and self._folders.known and not errors(value):
            if owner.kind != JOB:
                self._workloads.reconcile(value)
            elif self.jobs.reconcile(value):
                self._delete_job(owner)

    def _delete_job(self, ref: Ref) -> None:
        """Deletes a Job that was kept long enough, as if by command."""
        self.store.delete(ref)
        self._admission.take((ref,))
        self.jobs.end(ref)
        self._workloads.end(ref)

    def _follow(self, changed: PodRecord) -> None:
        """What follows from another state of a pod: for its plan, its orders, and the object by its name."""
        record = self.pods.get(changed.uid)
        if record is None:
            self._gone.add(changed.uid)
        elif record.deleted is None:
            known, plan = self._planner.get(record.uid), self._planner.plan(record)
            if plan is not known and plan.address:
                self._book.put(plan)
        self._publish(changed.ref)

    def _publish(self, ref: Ref) -> None:
        """The pod of a name as an object of the graph. One that is ending is none, and so no endpoint any more."""
        record = self.pods.named(ref)
        plan = self._planner.get(record.uid) if record is not None and record.deleted is None else None
        self.namespaces.note(ref, present=record is not None or self.store.value(ref) is not None)
        if plan is not None and plan.address:
            self._objects.set(ref, pod_object(plan, self.pods.report(plan.record.uid)))
        else:
            self._objects.remove(ref)

    def _expire(self) -> None:
        for record in self.pods.ending():
            age = self._clock() - (record.deleted or 0)
            if age > REMOVAL:
                self._forget(record)
            elif age >= LINGER:
                self._book.remove(record.uid)

    def _forget(self, record: PodRecord) -> None:
        self.pods.forget(record.uid)
        self._book.remove(record.uid)
        self._planner.forget(record.uid)
        for waiting in self._planner.waiting():
            self._follow(waiting)

    # ---- issues --------------------------------------------------------------------------------------------------
    def _asked_for(self) -> Iterator[Workload]:
        for ref in sorted(self.store.refs(*_OWNERS)):
            yield from self._workload(ref)

    def _workload(self, ref: Ref) -> Iterator[Workload]:
        value = self.store.value(ref) if ref.kind in _OWNERS else None
        if isinstance(value, Object):
            yield value

    def _position(self, issue: Issue) -> Position | None:
        return self.store.position(issue.ref, issue.path) if issue.ref is not None else None
