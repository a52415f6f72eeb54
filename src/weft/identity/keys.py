"""Private keys: made, written and read as PEM."""

from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

SigningKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
"""What an authority may sign with: Weft makes P-256; a plugged-in authority may bring another curve or RSA."""

_MIN_RSA_BITS: Final = 2048
_CURVES: Final = (ec.SECP256R1, ec.SECP384R1)


class UnusableKeyError(ValueError):
    """A private key that can't be used; the message says why, and never holds any of it."""


def generate_key() -> ec.EllipticCurvePrivateKey:
    """Returns a new ECDSA key on P-256."""
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: SigningKey) -> bytes:
    """Returns the key as unencrypted PKCS #8."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def load_key(pem: bytes) -> SigningKey:
    """Returns the key in a PEM text; an error where it is none, encrypted, or too weak to sign with."""
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise UnusableKeyError("no unencrypted private key in PEM form") from None
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, _CURVES):
        return key
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= _MIN_RSA_BITS:
        return key
    raise UnusableKeyError(f"the key must be ECDSA on P-256 or P-384, or RSA of at least {_MIN_RSA_BITS} bits")


def hash_for(key: SigningKey) -> hashes.SHA256 | hashes.SHA384:
    """Returns the hash whose strength fits the key (RFC 5480, section 4)."""
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP384R1):
        return hashes.SHA384()
    return hashes.SHA256()
