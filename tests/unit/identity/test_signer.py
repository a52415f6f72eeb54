"""A plugged-in authority is used if its parts belong together, and refused with the reason if not."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from cryptography.x509.verification import PolicyBuilder, Store
from msgspec.structs import replace

from weft.identity.issue import issue_server, issue_workload
from weft.identity.keys import SigningKey, UnusableKeyError, generate_key, key_pem, load_key
from weft.identity.signer import (
    AuthorityError,
    Signer,
    SignerFiles,
    certificates_pem,
    dump_signer,
    load_certificates,
    load_signer,
    self_signed,
)
from weft.identity.spiffe import workload_id

NOW = datetime(2030, 1, 1, tzinfo=UTC)
ROOT = self_signed("td", NOW)


def intermediate(above: Signer, key: SigningKey, name: str = "middle", *, ca: bool = True) -> x509.Certificate:
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(above.issuer.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=100))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(above.issuer.key.public_key()), critical=False
        )
        .add_extension(x509.KeyUsage(*(False,) * 5, True, True, False, False), critical=True)
        .sign(above.issuer.key, hashes.SHA256())
    )


def plugged_in(key: SigningKey | None = None, **changes: bytes) -> SignerFiles:
    key = key or generate_key()
    middle = intermediate(ROOT, key)
    files = SignerFiles(key_pem(key), certificates_pem(middle), certificates_pem(ROOT.root), certificates_pem(middle))
    return replace(files, **changes)


def test_a_self_signed_root_comes_back_from_its_files() -> None:
    loaded = load_signer(dump_signer(ROOT), NOW)
    assert (loaded.root, loaded.chain) == (ROOT.root, ())
    assert key_pem(loaded.issuer.key) == key_pem(ROOT.issuer.key)


@pytest.mark.parametrize(
    "key", [generate_key(), ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 2048)]
)
def test_an_intermediate_signs_and_is_sent_with_the_leaf(key: SigningKey) -> None:
    signer = load_signer(plugged_in(key), NOW)
    pair = issue_server(signer, ["weft.test"], NOW)
    leaf, *chain = load_certificates(pair.certificates, "chain")
    assert chain == [signer.issuer.certificate]
    verifier = PolicyBuilder().store(Store([ROOT.root])).time(NOW).build_server_verifier(x509.DNSName("weft.test"))
    verifier.verify(leaf, chain)


def test_the_chain_may_hold_the_root_and_more_than_one_intermediate() -> None:
    upper_key, lower_key = generate_key(), generate_key()
    upper = intermediate(ROOT, upper_key, "upper")
    lower = intermediate(Signer(type(ROOT.issuer)(upper, upper_key), (upper,), ROOT.root), lower_key, "lower")
    files = SignerFiles(
        key_pem(lower_key),
        certificates_pem(lower),
        certificates_pem(ROOT.root),
        certificates_pem(lower, upper, ROOT.root),
    )
    signer = load_signer(files, NOW)
    assert signer.chain == (lower, upper)
    assert load_signer(dump_signer(signer), NOW).chain == signer.chain


def test_no_certificate_outlives_the_intermediate() -> None:
    signer = load_signer(plugged_in(), NOW)
    pair = issue_workload(signer, workload_id("td", "n", "a"), NOW, lifetime=timedelta(days=1000))
    assert pair.not_after == NOW + timedelta(days=100)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"ca_key": key_pem(generate_key())}, "is not the key of ca-cert.pem"),
        ({"ca_key": b"nonsense"}, "ca-key.pem: no unencrypted private key"),
        ({"ca_cert": b""}, "ca-cert.pem must hold one certificate, it holds 0"),
        ({"ca_cert": b"nonsense"}, "ca-cert.pem: no certificates"),
        ({"root_cert": certificates_pem(ROOT.root, ROOT.root)}, "root-cert.pem must hold one certificate, it holds 2"),
        ({"root_cert": certificates_pem(self_signed("td", NOW).root)}, "was not signed by"),
    ],
)
def test_parts_that_do_not_fit_are_refused(changes: dict[str, bytes], why: str) -> None:
    with pytest.raises(AuthorityError, match=why):
        load_signer(plugged_in(None, **changes), NOW)


def test_a_certificate_that_may_not_sign_is_refused() -> None:
    key = generate_key()
    leaf = certificates_pem(intermediate(ROOT, key, ca=False))
    with pytest.raises(AuthorityError, match="is no authority"):
        load_signer(SignerFiles(key_pem(key), leaf, certificates_pem(ROOT.root), leaf), NOW)


def test_an_expired_authority_is_refused() -> None:
    with pytest.raises(AuthorityError, match="not valid now"):
        load_signer(plugged_in(), NOW + timedelta(days=101))


def test_weak_foreign_and_encrypted_keys_are_refused() -> None:
    encrypted = generate_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x"))
    foreign = ed25519.Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    weak = key_pem(rsa.generate_private_key(65537, 1024))
    for pem, why in ((encrypted, "unencrypted"), (foreign, "must be ECDSA"), (weak, "at least 2048 bits")):
        with pytest.raises(UnusableKeyError, match=why):
            load_key(pem)
