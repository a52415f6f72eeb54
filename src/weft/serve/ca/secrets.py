"""Keys and certificates for sidecars that have no agent, given to them over SDS on their own authenticated stream.

Keys are made here, in memory, and are never stored or logged. A pod keeps its certificate over reconnects; it is
replaced at half of its life, on the open stream.
"""

import asyncio
import contextlib
import heapq
import logging
import random
from datetime import datetime, timedelta
from typing import Any, Final

from msgspec import Struct

from weft.base import protobuf
from weft.envoy.resource import Resource, resource
from weft.envoy.type_urls import SDS
from weft.identity.authority import Authority
from weft.identity.issue import WORKLOAD_LIFETIME, KeyPair, issue_workload
from weft.identity.signer import AuthorityError
from weft.identity.spiffe import workload_id
from weft.serve.ads.views import ResourceTable, View
from weft.serve.ca.live import LiveAuthority
from weft.serve.callers import Pod, RefusedError

CERTIFICATE_NAME: Final = "default"
ROOTS_NAME: Final = "ROOTCA"
"""The names of the secrets, which are Istio's."""

_SECRET: Final = "envoy.extensions.transport_sockets.tls.v3.Secret"


_RETRY: Final = timedelta(minutes=1)
_log = logging.getLogger(__name__)


class _Entry(Struct):
    """A pod's secrets; `due` is when its certificate is to be replaced."""

    pod: Pod
    table: ResourceTable
    view: View
    due: datetime


class WorkloadSecrets:
    """Issues each pod's certificate, and keeps it fresh while `run` runs.

    Issuing takes about 0.3 ms. Before each certificate the event loop has its turn, so that a thousand pods that
    connect at once do not stop everything else. `issued` counts certificates, `failed` how often there was none.
    """

    def __init__(self, authority: LiveAuthority, lifetime: timedelta = WORKLOAD_LIFETIME) -> None:
        self._authority = authority
        self._lifetime = lifetime
        self.issued = 0
        self.failed = 0
        self._entries: dict[str, _Entry] = {}
        self._queue: list[tuple[datetime, str]] = []
        self._turn = asyncio.Lock()
        self._wake = asyncio.Event()
        self._signer = authority.current.signer
        self._roots = _roots_secret(authority.current)
        authority.listen(self._authority_changed)

    async def view_of(self, pod: Pod) -> View:
        """Returns the view of a pod's secrets; issues a certificate if there is none, or an old one.

        RefusedError where the authority can't issue.
        """
        async with self._turn:
            await asyncio.sleep(0)
            entry = self._entries.get(pod.uid)
            if entry is None or entry.due <= self._authority.clock():
                try:
                    entry = self._renew(pod)
                except AuthorityError as error:
                    raise RefusedError("unavailable", str(error)) from error
            return entry.view

    def forget(self, uid: str) -> None:
        """Drops the secrets of a pod that is gone."""
        self._entries.pop(uid, None)

    async def run(self) -> None:
        """Replaces certificates as they become due, for ever."""
        while True:
            self._wake.clear()
            entry = self._pop_due()
            if entry is None:
                await self._wait()
            elif entry.view.watched:
                await self._renew_open(entry)
            else:  # it gets a new one when it connects again
                self.forget(entry.pod.uid)

    async def _renew_open(self, entry: _Entry) -> None:
        async with self._turn:
            await asyncio.sleep(0)
            try:
                self._renew(entry.pod)
            except AuthorityError as error:
                _log.error("no new certificate for pod %s/%s: %s", entry.pod.namespace, entry.pod.name, error)
                self._schedule(entry, self._authority.clock() + _RETRY)

    def _renew(self, pod: Pod) -> _Entry:
        authority, now = self._authority.current, self._authority.clock()
        identity = workload_id(authority.trust_domain, pod.namespace, pod.service_account)
        try:
            pair = issue_workload(authority.signer, identity, now, lifetime=self._lifetime, subject=pod.subject)
        except AuthorityError:
            self.failed += 1
            raise
        self.issued += 1
        entry = self._entries.get(pod.uid)
        if entry is None:
            table = ResourceTable()
            entry = _Entry(pod, table, View(f"pod {pod.namespace}/{pod.name}", table), now)
            self._entries[pod.uid] = entry
        entry.pod = pod
        self._schedule(entry, pair.renewal(random.random()))
        entry.view.publish(entry.table.update((_certificate_secret(pair), self._roots)))
        return entry

    def _schedule(self, entry: _Entry, due: datetime) -> None:
        entry.due = due
        heapq.heappush(self._queue, (due, entry.pod.uid))
        if self._queue[0][0] == due:
            self._wake.set()

    def _pop_due(self) -> _Entry | None:
        """The next entry whose time has come. What was scheduled anew or forgotten since is passed over."""
        while self._queue and self._queue[0][0] <= self._authority.clock():
            due, uid = heapq.heappop(self._queue)
            entry = self._entries.get(uid)
            if entry is not None and entry.due == due:
                return entry
        return None

    async def _wait(self) -> None:
        left = (self._queue[0][0] - self._authority.clock()).total_seconds() if self._queue else None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(left):
                await self._wake.wait()

    def _authority_changed(self) -> None:
        """Tells everybody the roots now in force; after a change of signer all certificates are due at once."""
        authority = self._authority.current
        self._roots = _roots_secret(authority)
        for entry in self._entries.values():
            entry.view.publish(entry.table.update((self._roots,)))
        if authority.signer != self._signer:
            self._signer = authority.signer
            for entry in self._entries.values():
                self._schedule(entry, self._authority.clock())


def _certificate_secret(pair: KeyPair) -> Resource:
    certificate = {
        "certificate_chain": {"inline_bytes": pair.certificates},
        "private_key": {"inline_bytes": pair.key},
    }
    return _secret(CERTIFICATE_NAME, tls_certificate=certificate)


def _roots_secret(authority: Authority) -> Resource:
    return _secret(ROOTS_NAME, validation_context={"trusted_ca": {"inline_bytes": authority.bundle}})


def _secret(name: str, **content: Any) -> Resource:
    return resource(SDS, name, protobuf.serialize(protobuf.new(_SECRET, name=name, **content)))
