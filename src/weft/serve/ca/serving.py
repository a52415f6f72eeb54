"""The control plane's own certificate: issued by the mesh's authority, renewed at half of its life, never on disk."""

import threading
from collections.abc import Sequence
from datetime import timedelta

import grpc

from weft.identity.issue import WORKLOAD_LIFETIME, KeyPair, issue_server
from weft.identity.signer import Signer
from weft.serve.ca.live import LiveAuthority


class ServingCertificate:
    """A certificate for the names and addresses by which proxies reach us.

    gRPC asks for it at each handshake, in a thread of its own.
    """

    def __init__(self, authority: LiveAuthority, names: Sequence[str], lifetime: timedelta = WORKLOAD_LIFETIME) -> None:
        self._authority = authority
        self._names = tuple(names)
        self._lifetime = lifetime
        self._lock = threading.Lock()
        self._signer = authority.current.signer
        self._pair = self._issue(self._signer)

    def credentials(self) -> grpc.ServerCredentials:
        """Returns credentials that follow renewals and changes of the authority; clients need no certificate."""
        return grpc.dynamic_ssl_server_credentials(_configuration(self._pair), self._newer)

    def _newer(self) -> grpc.ServerCertificateConfiguration | None:
        """A new certificate where one is due, else None: gRPC goes on with the one that it has."""
        with self._lock:
            signer = self._authority.current.signer
            if signer is self._signer and self._authority.clock() < self._pair.renewal(0.0):
                return None
            self._signer, self._pair = signer, self._issue(signer)
            return _configuration(self._pair)

    def _issue(self, signer: Signer) -> KeyPair:
        return issue_server(signer, self._names, self._authority.clock(), lifetime=self._lifetime)


def _configuration(pair: KeyPair) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration([(pair.key, pair.certificates)])
