"""The mesh's certificate authority and token key, from the state folder; made where there are none."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from weft.apps.bootstraps import SERVER_NAME
from weft.identity.authority import new_authority
from weft.identity.issue import WORKLOAD_LIFETIME
from weft.identity.signer import certificates_pem, self_signed
from weft.model.local import Credentials
from weft.serve.ca.live import LiveAuthority, utc_now
from weft.serve.ca.secrets import WorkloadSecrets
from weft.serve.ca.serving import ServingCertificate
from weft.serve.ca.store import load_authority, load_or_create_key, save_authority
from weft.serve.callers import Pod, PodLookup
from weft.serve.tokens.guard import ReviewGuard
from weft.serve.tokens.issuer import TOKEN_LIFETIME, TokenIssuer
from weft.serve.tokens.reviewer import LocalReviewer


class Identity:
    """Everything that proves who somebody is, in one mesh. `lifetime` is that of workloads' certificates."""

    def __init__(
        self, folder: Path, mesh: str, trust_domain: str, pods: PodLookup, *, lifetime: timedelta = WORKLOAD_LIFETIME
    ) -> None:
        path = folder / "authority.json"
        found = load_authority(path, utc_now())
        if found is None or found.trust_domain != trust_domain:
            found = new_authority(trust_domain, self_signed(trust_domain, utc_now()))
            save_authority(path, found)
        self.authority = LiveAuthority(found, lambda authority: save_authority(path, authority))
        self.secrets = WorkloadSecrets(self.authority, lifetime)
        key = load_or_create_key(folder / "token.key")
        self._issuer = TokenIssuer(key, mesh)
        self.guard = ReviewGuard(LocalReviewer(key, mesh, pods))
        self.trust_revision = 0
        self.authority.listen(self._count)

    def serving(self, addresses: tuple[str, ...]) -> ServingCertificate:
        """The control plane's own certificate."""
        return ServingCertificate(self.authority, (SERVER_NAME, *addresses))

    def credentials(self, pod: Pod, clock: Callable[[], float] = time.time) -> Credentials:
        """A new token for a pod's Envoy, and the roots that it shall trust the control plane by."""
        roots = certificates_pem(*self.authority.current.roots).decode()
        return Credentials(token=self._issuer.issue(pod), root=roots, expires=int(clock() + TOKEN_LIFETIME))

    def _count(self) -> None:
        self.trust_revision += 1
