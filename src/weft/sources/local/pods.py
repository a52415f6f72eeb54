"""The pods of the mesh and what the node says of them, remembered over restarts."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct, structs

from weft.base.issues import Ref
from weft.dialects.kubernetes.injection import Template
from weft.model.kubernetes import PodTemplate, TemplateMetadata
from weft.model.local import PodReport
from weft.model.objects import Metadata
from weft.sources.local.environment import Variables
from weft.sources.state import Tables

POD: Final = "Pod"
TEMPLATE_HASH: Final = "pod-template-hash"
"""The label that tells the pods of one template of a Deployment from those of others (Kubernetes)."""

_TABLE: Final = "pods"
_REPORTS: Final = "reports"
_log: Final = logging.getLogger(__name__)
_S = TypeVar("_S", bound=Struct)


class PodRecord(Struct, frozen=True, kw_only=True):
    """A pod that was made, with all that was decided then: what happens to its owner, its namespace or the folders of
    images later makes other pods, but does not change this one.

    `owner` is the Deployment or the Pod that it comes from; None once a changed label took it from its Deployment.
    `template` is the hash of what it was made from (`content`), `written` the spec with all fields as its author wrote
    it. `injected` is what proxy it got, `folders` are those that stand for its containers' images, by container.
    `variables` are those of the containers that could be given all of theirs. `concurrency` is the mesh's default for
    its proxy when its address was found. `marks` are its labels and annotations
    now. `serial` counts the pods that a Deployment made. `deleted` is when it was asked to end, in Unix seconds; it
    then serves nobody, but is there until it has ended.
    """

    uid: str
    namespace: str
    name: str
    owner: Ref | None
    template: str
    content: PodTemplate
    marks: TemplateMetadata
    written: dict[str, Any]
    injected: Template
    folders: dict[str, str]
    created: int
    variables: dict[str, Variables] = {}
    concurrency: int | None = None
    serial: int = 0
    deleted: float | None = None

    @property
    def ref(self) -> Ref:
        """The key of the pod as an object."""
        return Ref(POD, self.namespace, self.name)

    @property
    def as_made(self) -> PodRecord:
        """The pod with the labels and annotations that it was made with."""
        return structs.replace(self, marks=self.content.metadata)

    def metadata(self, annotations: dict[str, str]) -> Metadata:
        """The metadata of the pod as an object, with annotations besides its own."""
        return Metadata(
            name=self.name,
            namespace=self.namespace,
            labels=self.marks.labels,
            annotations=self.marks.annotations | annotations,
            created=self.created,
            uid=self.uid,
        )


class Pods:
    """All pods, found by uid, name and owner, and what the node last said of each. `clock` gives Unix seconds."""

    def __init__(self, tables: Tables, clock: Callable[[], float]) -> None:
        self._tables = tables
        self._clock = clock
        self._records: dict[str, PodRecord] = {}
        self._by_name: dict[Ref, set[str]] = {}
        self._by_owner: dict[Ref | None, set[str]] = {}
        self._ending: set[str] = set()
        self._changed: dict[str, PodRecord] = {}
        for record in _load(tables, _TABLE, PodRecord):
            self._index(record)
        reports = _load(tables, _REPORTS, PodReport)
        self._reports = {report.uid: report for report in reports if report.uid in self._records}

    # ---- reading -----------------------------------------------------------------------------------------------
    def records(self, namespace: str | None = None) -> list[PodRecord]:
        """The pods of a namespace, or all, those that are ending too, by namespace and name."""
        found = (record for record in self._records.values() if namespace in (None, record.namespace))
        return sorted(found, key=lambda record: (record.ref, record.deleted is not None))

    def get(self, uid: str) -> PodRecord | None:
        """A pod by its uid."""
        return self._records.get(uid)

    def named(self, ref: Ref) -> PodRecord | None:
        """A pod by its name; one that is ending only if there is no other."""
        found = (self._records[uid] for uid in self._by_name.get(ref, ()))
        return min(found, key=lambda record: (record.deleted is not None, record.created), default=None)

    def of(self, owner: Ref) -> list[PodRecord]:
        """The pods of a Deployment or Pod, those that are ending too."""
        return sorted((self._records[uid] for uid in self._by_owner.get(owner, ())), key=lambda record: record.name)

    def owners(self) -> set[Ref]:
        """All that pods come from."""
        return {owner for owner in self._by_owner if owner is not None}

    def ending(self) -> list[PodRecord]:
        """The pods that were deleted and are still there."""
        return [self._records[uid] for uid in self._ending]

    def report(self, uid: str) -> PodReport | None:
        """What the node last said of a pod."""
        return self._reports.get(uid)

    def is_ready(self, uid: str) -> bool:
        """Whether the node last said that a pod is ready."""
        report = self._reports.get(uid)
        return report is not None and report.ready

    def has_ended(self, uid: str) -> bool:
        """Whether the node last said that all containers of a pod have ended for good."""
        report = self._reports.get(uid)
        return report is not None and report.phase in ("Succeeded", "Failed")

    def take_changed(self) -> list[PodRecord]:
        """The pods of which anything changed since the last call, as they are now or as they were when forgotten."""
        changed, self._changed = self._changed, {}
        return list(changed.values())

    # ---- changing ----------------------------------------------------------------------------------------------
    def put(self, record: PodRecord) -> None:
        """Sets a new pod, or another state of one."""
        before = self._records.get(record.uid)
        if before == record:
            return
        if before is not None:
            self._unindex(before)
        self._index(record)
        self._changed[record.uid] = record
        self._tables.write(_TABLE, {record.uid: msgspec.json.encode(record)})

    def take_reports(self, reports: Iterable[PodReport]) -> list[PodReport]:
        """Remembers reports; returns those that say something new."""
        fresh = [r for r in reports if r.uid in self._records and self._reports.get(r.uid) != r]
        for report in fresh:
            self._reports[report.uid] = report
            self._changed[report.uid] = self._records[report.uid]
        if fresh:
            self._tables.write(_REPORTS, {report.uid: msgspec.json.encode(report) for report in fresh})
        return fresh

    def end(self, uid: str) -> None:
        """Asks a pod to end."""
        record = self._records.get(uid)
        if record is not None and record.deleted is None:
            self.put(structs.replace(record, deleted=self._clock()))

    def forget(self, uid: str) -> None:
        """Forgets a pod that has ended."""
        record = self._records.get(uid)
        if record is not None:
            self._unindex(record)
            self._changed[uid] = record
            self._reports.pop(uid, None)
            self._tables.write(_TABLE, {uid: None})
            self._tables.write(_REPORTS, {uid: None})

    def _index(self, record: PodRecord) -> None:
        self._records[record.uid] = record
        self._by_name.setdefault(record.ref, set()).add(record.uid)
        self._by_owner.setdefault(record.owner, set()).add(record.uid)
        if record.deleted is not None:
            self._ending.add(record.uid)

    def _unindex(self, record: PodRecord) -> None:
        del self._records[record.uid]
        _drop(self._by_name, record.ref, record.uid)
        _drop(self._by_owner, record.owner, record.uid)
        self._ending.discard(record.uid)


_K = TypeVar("_K")


def _drop(index: dict[_K, set[str]], key: _K, uid: str) -> None:
    index[key].discard(uid)
    if not index[key]:
        del index[key]


def _load(tables: Tables, table: str, kind: type[_S]) -> Iterator[_S]:
    """The entries of a table. One that another version of Weft wrote in another form counts as none."""
    for key, data in tables.load(table).items():
        try:
            yield msgspec.json.decode(data, type=kind)
        except msgspec.MsgspecError as error:
            _log.warning("entry %s of %s can't be read and is left out: %s", key, table, error)


def template_hash(*parts: object) -> str:
    """A short hash of what pods are made from; equal for equal content."""
    return blake2b(msgspec.json.encode(parts, order="deterministic"), digest_size=5).hexdigest()
