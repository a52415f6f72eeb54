"""A signer: one certificate and key that issue, with the chain up to its root. Made here, or plugged in."""

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding
from msgspec import Struct

from weft.identity.keys import UnusableKeyError, generate_key, key_pem, load_key
from weft.identity.profiles import Issuer, Validity, root_certificate

ROOT_LIFETIME: Final = timedelta(days=3650)
BACKDATING: Final = timedelta(minutes=1)
"""How long before its making a certificate is good: clocks of peers differ."""


class AuthorityError(ValueError):
    """An authority that can't be used as it is; the message says which part and why."""


class Signer(Struct, frozen=True):
    """A certificate and key that issue. `chain` is sent behind each leaf: the way from the signer up to the root.

    The chain is empty where the root itself signs; the root is never sent.
    """

    issuer: Issuer
    chain: tuple[x509.Certificate, ...]
    root: x509.Certificate

    @property
    def not_after(self) -> datetime:
        """When the first certificate on the way to the root expires."""
        return min(c.not_valid_after_utc for c in (self.issuer.certificate, *self.chain, self.root))


def self_signed(trust_domain: str, now: datetime, lifetime: timedelta = ROOT_LIFETIME) -> Signer:
    """Returns a new root that signs leaves itself: ECDSA P-256."""
    key = generate_key()
    root = root_certificate(key, trust_domain, Validity(now - BACKDATING, now + lifetime))
    return Signer(Issuer(root, key), (), root)


class SignerFiles(Struct, frozen=True):
    """A signer as PEM texts; the fields are the files of Istio's `cacerts` (plug in CA certificates).

    `cert_chain` is the way from the signing certificate up, with or without the root.
    """

    ca_key: bytes
    ca_cert: bytes
    root_cert: bytes
    cert_chain: bytes = b""

    def __repr__(self) -> str:
        return "SignerFiles(<PEM>)"


def load_signer(files: SignerFiles, now: datetime) -> Signer:
    """Returns the signer of these files; AuthorityError where they do not belong together or are not good at `now`."""
    certificate = _one(files.ca_cert, "ca-cert.pem")
    root = _one(files.root_cert, "root-cert.pem")
    try:
        key = load_key(files.ca_key)
    except UnusableKeyError as error:
        raise AuthorityError(f"ca-key.pem: {error}") from error
    if key.public_key() != certificate.public_key():
        raise AuthorityError("ca-key.pem is not the key of ca-cert.pem")
    signer = Signer(Issuer(certificate, key), _intermediates(files.cert_chain, certificate, root), root)
    _check_path((*signer.chain, root), now)
    return signer


def dump_signer(signer: Signer) -> SignerFiles:
    """Returns the signer as PEM texts, the private key among them."""
    return SignerFiles(
        ca_key=key_pem(signer.issuer.key),
        ca_cert=certificates_pem(signer.issuer.certificate),
        root_cert=certificates_pem(signer.root),
        cert_chain=certificates_pem(*signer.chain),
    )


def certificates_pem(*certificates: x509.Certificate) -> bytes:
    """Returns certificates as one PEM text, in their order."""
    return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in certificates)


def load_certificates(pem: bytes, name: str) -> tuple[x509.Certificate, ...]:
    """Returns all certificates of a PEM text, none for an empty one; AuthorityError names the file `name`."""
    if not pem.strip():
        return ()
    try:
        return tuple(x509.load_pem_x509_certificates(pem))
    except ValueError as error:
        raise AuthorityError(f"{name}: no certificates in PEM form ({error})") from error


def _one(pem: bytes, name: str) -> x509.Certificate:
    found = load_certificates(pem, name)
    if len(found) != 1:
        raise AuthorityError(f"{name} must hold one certificate, it holds {len(found)}")
    return found[0]


def _intermediates(pem: bytes, certificate: x509.Certificate, root: x509.Certificate) -> tuple[x509.Certificate, ...]:
    """What is sent behind a leaf: the signing certificate, unless it is the root, and those above it."""
    above = [c for c in load_certificates(pem, "cert-chain.pem") if c not in (certificate, root)]
    return () if certificate == root else (certificate, *above)


def _check_path(path: tuple[x509.Certificate, ...], now: datetime) -> None:
    for certificate in path:
        name = certificate.subject.rfc4514_string()
        if not certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc:
            raise AuthorityError(f"the certificate {name!r} is not valid now (until {certificate.not_valid_after_utc})")
        if not _may_sign(certificate):
            raise AuthorityError(f"the certificate {name!r} is no authority: basic constraints or key usage forbid it")
    for below, above in pairwise(path):
        if not _signed_by(below, above):
            raise AuthorityError(
                f"{below.subject.rfc4514_string()!r} was not signed by {above.subject.rfc4514_string()!r}: "
                "cert-chain.pem must lead from ca-cert.pem up to root-cert.pem"
            )


def _may_sign(certificate: x509.Certificate) -> bool:
    try:
        if not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            return False
    except x509.ExtensionNotFound:
        return False
    try:
        return certificate.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    except x509.ExtensionNotFound:  # none means all usages (RFC 5280, section 4.2.1.3)
        return True


def _signed_by(below: x509.Certificate, above: x509.Certificate) -> bool:
    try:
        below.verify_directly_issued_by(above)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
