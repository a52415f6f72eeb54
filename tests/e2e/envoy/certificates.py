"""Certificates for tests: a root, and workloads' identities under it."""

import datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Json = dict[str, Any]


class Authority:
    """A root of trust that writes what it makes to a folder."""

    def __init__(self, folder: Path, name: str = "root") -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = _builder(self._name, self._name, self._key.public_key())
        certificate = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self.path = self._write(f"{name}.pem", _pem(certificate.sign(self._key, hashes.SHA256())))

    def roots(self, name: str) -> Json:
        """Returns a Secret that holds the root."""
        return {"name": name, "validationContext": {"trustedCa": {"filename": str(self.path)}}}

    def issue(self, name: str, alternative: x509.GeneralName) -> Json:
        """Returns a Secret that holds a key and a certificate for it."""
        chain, key = self.issue_files(name.replace("/", "_"), alternative)
        files = {"certificateChain": {"filename": str(chain)}, "privateKey": {"filename": str(key)}}
        return {"name": name, "tlsCertificate": files}

    def issue_files(self, stem: str, alternative: x509.GeneralName) -> tuple[Path, Path]:
        """Returns the files of a certificate and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(x509.Name([]), self._name, key.public_key())
        certificate = builder.add_extension(x509.SubjectAlternativeName([alternative]), critical=True)
        chain = self._write(f"{stem}.pem", _pem(certificate.sign(self._key, hashes.SHA256())))
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return chain, self._write(f"{stem}.key", private)

    def revoke_nothing(self) -> Path:
        """Returns the file of an empty list of revoked certificates."""
        now = datetime.datetime.now(datetime.UTC)
        builder = x509.CertificateRevocationListBuilder().issuer_name(self._name)
        builder = builder.last_update(now).next_update(now + datetime.timedelta(days=1))
        revoked = builder.sign(self._key, hashes.SHA256())
        return self._write("revoked.pem", revoked.public_bytes(serialization.Encoding.PEM))

    def _write(self, name: str, data: bytes) -> Path:
        path = self._folder / name
        path.write_bytes(data)
        return path


def identity(account: str, domain: str = "cluster.local") -> str:
    """Returns the identity of an account in the namespace `default`."""
    return f"spiffe://{domain}/ns/default/sa/{account}"


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    builder = builder.serial_number(x509.random_serial_number())
    return builder.not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + datetime.timedelta(days=1))


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
