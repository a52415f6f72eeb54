"""What Jobs have come to, remembered over restarts."""

from __future__ import annotations

import logging
import secrets
from typing import Final

import msgspec

from weft.base.issues import Ref
from weft.model.kubernetes import Job
from weft.sources.local.jobs import JobRecord
from weft.sources.state import Tables

_TABLE: Final = "jobs"
_log: Final = logging.getLogger(__name__)


class JobRecords:
    """The record of each Job that was begun, by its key."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._records: dict[Ref, JobRecord] = {}
        for key, data in tables.load(_TABLE).items():
            try:
                record = msgspec.json.decode(data, type=JobRecord)
            except msgspec.MsgspecError as error:
                _log.warning("the record of Job %s can't be read: it begins anew: %s", key, error)
            else:
                self._records[record.ref] = record

    def refs(self) -> set[Ref]:
        """All Jobs that were begun."""
        return set(self._records)

    def get(self, ref: Ref) -> JobRecord | None:
        """What a Job has come to; None if it was not begun."""
        return self._records.get(ref)

    def begin(self, ref: Ref, spec: Job) -> JobRecord:
        """The record of a Job, a new one if there is none."""
        known = self._records.get(ref)
        return known or JobRecord(ref=ref, uid=secrets.token_hex(16), spec=spec)

    def put(self, record: JobRecord) -> None:
        """Sets a record."""
        if self._records.get(record.ref) != record:
            self._records[record.ref] = record
            self._tables.write(_TABLE, {_key(record.ref): msgspec.json.encode(record)})

    def forget(self, ref: Ref) -> None:
        """Forgets a Job that is gone."""
        if self._records.pop(ref, None) is not None:
            self._tables.write(_TABLE, {_key(ref): None})


def _key(ref: Ref) -> str:
    return f"{ref.namespace} {ref.name}"
