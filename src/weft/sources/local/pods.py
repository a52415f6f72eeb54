"""The pods of the mesh: made from Deployments and from Pods in files, remembered over restarts."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import Final

import msgspec
from msgspec import Struct

from weft.base.issues import Ref
from weft.model.kubernetes import Deployment, PodSpec, PodTemplate, TemplateMetadata
from weft.model.local import PodReport
from weft.model.objects import Metadata, Object
from weft.sources.local.rollout import RolloutPod, next_step
from weft.sources.state import Tables

_TABLE: Final = "pods"
_REPORTS: Final = "reports"
_HASH_LABEL: Final = "pod-template-hash"


class PodRecord(Struct, frozen=True):
    """A pod that was made. `owner` is the Deployment or the Pod in a file that it comes from, `content` what it is made
    of: it stays as it was when the owner changes, which then makes another pod.

    `deleted` is when it was asked to end, in Unix seconds; it then serves nobody, but is there until it has ended.
    """

    uid: str
    namespace: str
    name: str
    owner: Ref
    template: str
    content: PodTemplate
    created: int
    deleted: float | None = None


class Pods:
    """All pods, and what the node last said of them."""

    def __init__(self, tables: Tables, clock: Callable[[], float]) -> None:
        self._tables = tables
        self._clock = clock
        loaded = (msgspec.json.decode(data, type=PodRecord) for data in tables.load(_TABLE).values())
        self._records: dict[str, PodRecord] = {record.uid: record for record in loaded}
        reports = (msgspec.json.decode(data, type=PodReport) for data in tables.load(_REPORTS).values())
        self._reports = {report.uid: report for report in reports if report.uid in self._records}

    def records(self) -> list[PodRecord]:
        """All pods, those that are ending too, by namespace and name."""
        return sorted(self._records.values(), key=lambda r: (r.namespace, r.name))

    def get(self, uid: str) -> PodRecord | None:
        """A pod by its uid."""
        return self._records.get(uid)

    def named(self, namespace: str, name: str) -> PodRecord | None:
        """A pod by its name; one that is ending only if there is no other."""
        found = [r for r in self._records.values() if (r.namespace, r.name) == (namespace, name)]
        return min(found, key=lambda r: r.deleted is not None, default=None)

    def report(self, uid: str) -> PodReport | None:
        """What the node last said of a pod."""
        return self._reports.get(uid)

    def is_ready(self, uid: str) -> bool:
        """Whether the node last said that a pod is ready."""
        report = self._reports.get(uid)
        return report is not None and report.ready

    def take_reports(self, reports: Iterable[PodReport]) -> set[str]:
        """Remembers reports; returns the uids of pods of which something is new."""
        fresh = {r.uid: r for r in reports if r.uid in self._records and self._reports.get(r.uid) != r}
        self._reports.update(fresh)
        self._tables.write(_REPORTS, {uid: msgspec.json.encode(report) for uid, report in fresh.items()})
        return set(fresh)

    def end(self, uid: str) -> None:
        """Asks a pod to end."""
        record = self._records.get(uid)
        if record is not None and record.deleted is None:
            self._put(msgspec.structs.replace(record, deleted=self._clock()))

    def forget(self, uid: str) -> None:
        """Forgets a pod that has ended."""
        if self._records.pop(uid, None) is not None:
            self._reports.pop(uid, None)
            self._tables.write(_TABLE, {uid: None})
            self._tables.write(_REPORTS, {uid: None})

    def reconcile(self, deployments: Iterable[Object[Deployment]], bare: Iterable[Object[PodSpec]]) -> bool:
        """Makes pods that are missing and ends those that nothing asks for; True if it did anything."""
        owners: set[Ref] = set()
        changed = False
        for deployment in deployments:
            owners.add(deployment.ref)
            changed |= self._reconcile_deployment(deployment)
        for pod in bare:
            owners.add(pod.ref)
            changed |= self._reconcile_bare(pod)
        for record in self.records():
            if record.deleted is None and record.owner not in owners:
                self.end(record.uid)
                changed = True
        return changed

    def _reconcile_deployment(self, deployment: Object[Deployment]) -> bool:
        template = template_hash(deployment.spec.template)
        mine = {r.name: r for r in self._records.values() if r.owner == deployment.ref and r.deleted is None}
        pods = [RolloutPod(r.name, r.template, self.is_ready(r.uid), r.created) for r in mine.values()]
        step = next_step(template, deployment.spec.replicas, pods)
        for _ in range(step.create):
            name = f"{deployment.metadata.name}-{template}-{_suffix()}"
            self._make(deployment.ref, name, template, deployment.spec.template)
        for name in step.delete:
            self.end(mine[name].uid)
        return bool(step.create or step.delete)

    def _reconcile_bare(self, pod: Object[PodSpec]) -> bool:
        content = PodTemplate(TemplateMetadata(pod.metadata.labels, pod.metadata.annotations), pod.spec)
        template = template_hash(content)
        mine = [r for r in self._records.values() if r.owner == pod.ref]
        if any(r.template == template and r.deleted is None for r in mine):
            return False
        for record in mine:
            if record.deleted is None:
                self.end(record.uid)
        if not mine:
            self._make(pod.ref, pod.metadata.name, template, content)
        return any(r.deleted is None for r in mine) or not mine

    def _make(self, owner: Ref, name: str, template: str, content: PodTemplate) -> None:
        uid = secrets.token_hex(16)
        self._put(PodRecord(uid, owner.namespace, name, owner, template, content, int(self._clock())))

    def _put(self, record: PodRecord) -> None:
        self._records[record.uid] = record
        self._tables.write(_TABLE, {record.uid: msgspec.json.encode(record)})


def template_hash(template: object) -> str:
    """A short hash of what pods are made from; equal for equal content."""
    return blake2b(msgspec.json.encode(template, order="deterministic"), digest_size=5).hexdigest()


def pod_metadata(record: PodRecord, annotations: dict[str, str]) -> Metadata:
    """The metadata of a pod, with annotations besides those that it is made with."""
    marks = {_HASH_LABEL: record.template} if record.owner.kind.startswith("Deployment") else {}
    return Metadata(
        name=record.name,
        namespace=record.namespace,
        labels=record.content.metadata.labels | marks,
        annotations=record.content.metadata.annotations | annotations,
        created=record.created,
        uid=record.uid,
    )


def _suffix() -> str:
    """Five letters and digits that spell no words (Kubernetes' safe alphabet)."""
    return "".join(secrets.choice("bcdfghjklmnpqrstvwxz2456789") for _ in range(5))
