"""Certificates for workloads and for the control plane's own server."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from msgspec import Struct

from weft.identity.keys import generate_key, key_pem
from weft.identity.profiles import ANONYMOUS, Subject, Validity, leaf_certificate
from weft.identity.signer import BACKDATING, AuthorityError, Signer, certificates_pem
from weft.identity.spiffe import SpiffeId

WORKLOAD_LIFETIME: Final = timedelta(hours=24)

_EARLIEST_RENEWAL: Final = 0.4
_LATEST_RENEWAL: Final = 0.5


class KeyPair(Struct, frozen=True):
    """A certificate with its chain, leaf first, and its private key, both PEM; good until `not_after`.

    `issued` is when it was made: its first validity lies a little before.
    """

    certificates: bytes
    key: bytes
    issued: datetime
    not_after: datetime

    def __repr__(self) -> str:
        return f"KeyPair(<PEM>, not_after={self.not_after.isoformat()})"

    def renewal(self, spread: float) -> datetime:
        """Returns when to make the next one: never later than half of its life, so that as much is left for trouble.

        `spread` from 0 to 1, best random, takes it up to a tenth of the life earlier: what began together drifts apart.
        """
        share = _LATEST_RENEWAL - spread * (_LATEST_RENEWAL - _EARLIEST_RENEWAL)
        return self.issued + (self.not_after - self.issued) * share


def issue_workload(
    signer: Signer,
    identity: SpiffeId,
    now: datetime,
    *,
    lifetime: timedelta = WORKLOAD_LIFETIME,
    subject: Subject = ANONYMOUS,
) -> KeyPair:
    """Returns a new key (ECDSA P-256) and a certificate of the identity for it."""
    return _with_new_key(signer, _identity_names(identity), _validity(signer, now, lifetime), subject)


def sign_workload_key(
    signer: Signer,
    identity: SpiffeId,
    public_key: CertificatePublicKeyTypes,
    now: datetime,
    *,
    lifetime: timedelta = WORKLOAD_LIFETIME,
) -> bytes:
    """Returns the certificate and its chain (PEM, leaf first) for a key that never leaves its node."""
    leaf = leaf_certificate(signer.issuer, public_key, _identity_names(identity), _validity(signer, now, lifetime))
    return certificates_pem(leaf, *signer.chain)


def issue_server(
    signer: Signer, names: Iterable[str], now: datetime, *, lifetime: timedelta = WORKLOAD_LIFETIME
) -> KeyPair:
    """Returns a key and certificate for a server that is reached by these DNS names and IP addresses."""
    return _with_new_key(signer, [_host_name(name) for name in names], _validity(signer, now, lifetime), ANONYMOUS)


def _with_new_key(signer: Signer, names: list[x509.GeneralName], validity: Validity, subject: Subject) -> KeyPair:
    key = generate_key()
    leaf = leaf_certificate(signer.issuer, key.public_key(), names, validity, subject=subject)
    return KeyPair(
        certificates=certificates_pem(leaf, *signer.chain),
        key=key_pem(key),
        issued=validity.not_before + BACKDATING,
        not_after=validity.not_after,
    )


def _identity_names(identity: SpiffeId) -> list[x509.GeneralName]:
    """Exactly one URI (X.509-SVID, section 2)."""
    return [x509.UniformResourceIdentifier(str(identity))]


def _host_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _validity(signer: Signer, now: datetime, lifetime: timedelta) -> Validity:
    """No certificate outlives its signer."""
    not_after = min(now + lifetime, signer.not_after)
    if not_after <= now:
        raise AuthorityError(f"the authority's certificate expired at {signer.not_after.isoformat()}: replace it")
    return Validity(now - BACKDATING, not_after)
