"""Whether bytes are certificates and keys as Envoy takes them (PEM, RFC 7468). Pure; what it says holds no key."""

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key


def pair_flaw(certificate: bytes, key: bytes) -> tuple[bool, str] | None:
    """What is wrong with a chain of certificates (False) or with its private key (True); None if nothing is."""
    flaw = chain_flaw(certificate)
    if flaw:
        return False, flaw
    try:
        owner = load_pem_private_key(key, None).public_key()
    except TypeError:
        return True, "is encrypted, and there is no password for it"
    except (ValueError, UnsupportedAlgorithm):
        return True, "is no private key in PEM"
    belongs = _bytes(owner) == _bytes(x509.load_pem_x509_certificates(certificate)[0].public_key())
    return None if belongs else (True, "is not the key of the first certificate")


def chain_flaw(certificates: bytes) -> str:
    """What is wrong with certificates; empty if nothing is."""
    try:
        return "" if x509.load_pem_x509_certificates(certificates) else "holds no certificate"
    except (ValueError, UnsupportedAlgorithm):
        return "is no certificate in PEM"


def _bytes(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
