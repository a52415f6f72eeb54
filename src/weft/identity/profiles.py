"""What Weft's certificates contain: RFC 5280, and for leaves the X.509-SVID standard, section 4."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from msgspec import Struct

from weft.identity.keys import SigningKey, hash_for

_MAX_NAME: Final = 64  # ub-common-name, RFC 5280, appendix A.1
_LEAF_USAGES: Final = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])


class Subject(Struct, frozen=True):
    """What a workload's certificate tells of it besides its identity, for the labels of metrics; no policy reads it.

    Written as common name, organizational unit and organization. X.509 allows 64 characters, the rest is cut off.
    """

    workload: str = ""
    version: str = ""
    app: str = ""

    def name(self) -> x509.Name:
        """Returns the distinguished name; an empty one where nothing is said."""
        parts = (
            (NameOID.ORGANIZATION_NAME, self.app),
            (NameOID.ORGANIZATIONAL_UNIT_NAME, self.version),
            (NameOID.COMMON_NAME, self.workload),
        )
        return x509.Name([x509.NameAttribute(oid, text[:_MAX_NAME]) for oid, text in parts if text])


ANONYMOUS: Final = Subject()


class Validity(Struct, frozen=True):
    """From when to when a certificate is good; times are aware and cut to whole seconds by X.509."""

    not_before: datetime
    not_after: datetime


def root_certificate(key: SigningKey, trust_domain: str, validity: Validity) -> x509.Certificate:
    """Returns a self-signed certificate that may sign leaves and intermediates.

    Its name holds a part of its key id: two roots of one trust domain, in a rotation, are told apart by it.
    """
    key_id = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, trust_domain[:_MAX_NAME]),
            x509.NameAttribute(NameOID.COMMON_NAME, f"Weft root {key_id.digest.hex()[:16]}"),
        ]
    )
    builder = _builder(key.public_key(), name, name, validity)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    builder = builder.add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
    return builder.add_extension(key_id, critical=False).sign(key, hash_for(key))


class Issuer(Struct, frozen=True):
    """The certificate that signs, and its key."""

    certificate: x509.Certificate
    key: SigningKey

    def __repr__(self) -> str:
        return f"Issuer({self.certificate.subject.rfc4514_string()!r})"


def leaf_certificate(
    issuer: Issuer,
    public_key: CertificatePublicKeyTypes,
    names: Sequence[x509.GeneralName],
    validity: Validity,
    *,
    subject: Subject = ANONYMOUS,
) -> x509.Certificate:
    """Returns a certificate for both ends of TLS. Its alternative names are critical iff it has no subject.

    Source: RFC 5280, section 4.2.1.6.
    """
    name = subject.name()
    builder = _builder(public_key, name, issuer.certificate.subject, validity)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(digital_signature=True), critical=True)
    builder = builder.add_extension(_LEAF_USAGES, critical=False)
    builder = builder.add_extension(_authority_key_id(issuer.certificate), critical=False)
    builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=not name.rdns)
    return builder.sign(issuer.key, hash_for(issuer.key))


def _builder(
    public_key: CertificatePublicKeyTypes, subject: x509.Name, issuer: x509.Name, validity: Validity
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(validity.not_before)
        .not_valid_after(validity.not_after)
    )


def _usage(*, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )


def _authority_key_id(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    try:
        key_id = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:  # allowed in a plugged-in authority
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key())  # type: ignore[arg-type]
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(key_id)
