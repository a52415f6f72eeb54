"""Keeps the credentials of one pod's Envoy fresh."""

import asyncio
import logging
import random
import time
from typing import Final

from weft.node.backoff import retry_pauses
from weft.node.controller import Controller, ControllerError
from weft.node.credentials import CredentialsRecord, renewal_time, store_credentials, stored_credentials
from weft.node.state import PodFolder
from weft.node.waiting import wait_at_most

_log: Final = logging.getLogger(__name__)

_FIRST_PAUSE: Final = 0.2
_LONGEST_PAUSE: Final = 10.0


class CredentialKeeper:
    """Asks for credentials when there are none, when they age, and when trust has changed.

    `present` is set while there are credentials that have not expired when it is last looked at.
    """

    def __init__(self, uid: str, folder: PodFolder, owner: int | None, controller: Controller) -> None:
        self._uid = uid
        self._folder = folder
        self._owner = owner
        self._controller = controller
        self._trust_revision = 0
        self._wake = asyncio.Event()
        self.present = asyncio.Event()

    def trust(self, revision: int) -> None:
        """Says which revision of trust is in force: credentials of another one are replaced."""
        if revision != self._trust_revision:
            self._trust_revision = revision
            self._wake.set()

    async def run(self) -> None:
        """Keeps them fresh until cancelled; they stay on disk."""
        pauses = retry_pauses(_FIRST_PAUSE, _LONGEST_PAUSE)
        while True:
            self._wake.clear()
            record = stored_credentials(self._folder)
            if record and time.time() < record.expires:
                self.present.set()
            current = record is not None and record.trust_revision == self._trust_revision
            due = renewal_time(record, random.random()) if record and current else 0
            if await wait_at_most(due - time.time(), self._wake):
                continue
            try:
                await self._renew()
                pauses = retry_pauses(_FIRST_PAUSE, _LONGEST_PAUSE)
            except ControllerError as error:
                _log.warning("no credentials for pod %s yet: %s", self._uid, error)
                await wait_at_most(next(pauses), self._wake)

    async def _renew(self) -> None:
        revision, issued = self._trust_revision, time.time()
        credentials = await self._controller.credentials(self._uid)
        record = CredentialsRecord(issued=issued, expires=credentials.expires, trust_revision=revision)
        store_credentials(self._folder, credentials, record, self._owner)
