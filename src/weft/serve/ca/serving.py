"""The control plane's own certificate: issued by the mesh's authority, renewed at half of its life, never on disk."""

import os
import ssl
from collections.abc import Sequence
from datetime import timedelta

from weft.identity.issue import WORKLOAD_LIFETIME, KeyPair, issue_server
from weft.identity.signer import Signer
from weft.serve.ca.live import LiveAuthority
from weft.serve.http2.tls import ALPN


class ServingCertificate:
    """A certificate for the names and addresses by which proxies reach us."""

    def __init__(self, authority: LiveAuthority, names: Sequence[str], lifetime: timedelta = WORKLOAD_LIFETIME) -> None:
        self._authority = authority
        self._names = tuple(names)
        self._lifetime = lifetime
        self._signer = authority.current.signer
        self._pair = self._issue(self._signer)
        self._context = tls_context(self._pair)

    def context(self) -> ssl.SSLContext:
        """Returns what a handshake needs now: it follows renewals and changes of the authority.

        Clients need no certificate.
        """
        signer = self._authority.current.signer
        if signer is not self._signer or self._authority.clock() >= self._pair.renewal(0.0):
            self._signer, self._pair = signer, self._issue(signer)
            self._context = tls_context(self._pair)
        return self._context

    def _issue(self, signer: Signer) -> KeyPair:
        return issue_server(signer, self._names, self._authority.clock(), lifetime=self._lifetime)


def tls_context(pair: KeyPair) -> ssl.SSLContext:
    """The server's side of TLS for HTTP/2.

    OpenSSL's Python interface reads keys from files only: this one is in memory, and gone when it was read.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols([ALPN])
    descriptor = os.memfd_create("certificate", os.MFD_CLOEXEC)
    try:
        with os.fdopen(descriptor, "wb", closefd=False) as file:
            file.write(pair.key + pair.certificates)
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)
    return context
