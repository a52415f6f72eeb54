"""Certificates are what peers expect: checked with cryptography's own verifier where it can."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from weft.identity.issue import KeyPair, issue_server, issue_workload, sign_workload_key
from weft.identity.keys import generate_key
from weft.identity.profiles import Subject
from weft.identity.signer import AuthorityError, Signer, load_certificates, self_signed
from weft.identity.spiffe import workload_id

NOW = datetime(2030, 1, 1, tzinfo=UTC)
WEB = workload_id("td", "shop", "web")
SIGNER = self_signed("td", NOW)


def leaf(pair: KeyPair) -> x509.Certificate:
    return load_certificates(pair.certificates, "leaf")[0]


def verify_server(pair: KeyPair, name: str, signer: Signer = SIGNER, now: datetime = NOW) -> None:
    certificate, *intermediates = load_certificates(pair.certificates, "chain")
    builder = PolicyBuilder().store(Store([signer.root])).time(now)
    builder.build_server_verifier(x509.DNSName(name)).verify(certificate, intermediates)


def test_a_root_lives_ten_years_and_may_sign() -> None:
    root = SIGNER.root
    assert root.not_valid_after_utc == NOW + timedelta(days=3650)
    assert isinstance(root.public_key(), ec.EllipticCurvePublicKey)
    constraints = root.extensions.get_extension_for_class(x509.BasicConstraints)
    assert constraints.value.ca
    assert constraints.critical
    assert root.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    root.verify_directly_issued_by(root)


def test_two_roots_have_different_names() -> None:
    assert self_signed("td", NOW).root.subject != SIGNER.root.subject


def test_a_workload_s_certificate_has_its_identity_for_both_ends() -> None:
    certificate = leaf(issue_workload(SIGNER, WEB, NOW))
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert [name.value for name in names.value] == ["spiffe://td/ns/shop/sa/web"]
    assert names.critical, "without a subject the names must be critical"
    assert not certificate.subject.rdns
    usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert set(usages) == {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.value.digital_signature
    assert not usage.value.key_cert_sign
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    certificate.verify_directly_issued_by(SIGNER.root)


def test_a_certificate_is_back_dated_a_minute_and_good_for_a_day() -> None:
    pair = issue_workload(SIGNER, WEB, NOW)
    assert leaf(pair).not_valid_before_utc == NOW - timedelta(minutes=1)
    assert leaf(pair).not_valid_after_utc == pair.not_after == NOW + timedelta(hours=24)
    assert pair.issued == NOW


def test_the_subject_tells_workload_version_and_app() -> None:
    certificate = leaf(issue_workload(SIGNER, WEB, NOW, subject=Subject("web", "v1", "store")))
    assert certificate.subject.rfc4514_string() == "CN=web,OU=v1,O=store"
    assert not certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).critical


def test_a_long_name_is_cut_instead_of_refused() -> None:
    certificate = leaf(issue_workload(SIGNER, WEB, NOW, subject=Subject("w" * 253)))
    assert certificate.subject.rfc4514_string() == "CN=" + "w" * 64


def test_key_and_certificate_belong_together_and_are_never_the_same_twice() -> None:
    first, second = issue_workload(SIGNER, WEB, NOW), issue_workload(SIGNER, WEB, NOW)
    key = load_pem_private_key(first.key, None)
    assert key.public_key() == leaf(first).public_key()
    assert first.key != second.key
    assert leaf(first).serial_number != leaf(second).serial_number


def test_a_certificate_does_not_outlive_its_signer() -> None:
    late = SIGNER.not_after - timedelta(hours=1)
    assert issue_workload(SIGNER, WEB, late).not_after == SIGNER.not_after
    with pytest.raises(AuthorityError, match="expired"):
        issue_workload(SIGNER, WEB, SIGNER.not_after)


def test_a_key_that_stays_on_its_node_gets_a_certificate() -> None:
    key = generate_key()
    (certificate,) = load_certificates(sign_workload_key(SIGNER, WEB, key.public_key(), NOW), "leaf")
    assert certificate.public_key() == key.public_key()
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [name.value for name in names] == [str(WEB)]


def test_a_server_is_verified_by_name_and_address() -> None:
    pair = issue_server(SIGNER, ["weft.test", "10.0.0.1", "fd00::1"], NOW)
    verify_server(pair, "weft.test")
    with pytest.raises(VerificationError):
        verify_server(pair, "other.test")
    with pytest.raises(VerificationError):
        verify_server(pair, "weft.test", signer=self_signed("td", NOW))
    with pytest.raises(VerificationError):
        verify_server(pair, "weft.test", now=NOW + timedelta(hours=25))
    names = leaf(pair).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(a) for a in names.get_values_for_type(x509.IPAddress)] == ["10.0.0.1", "fd00::1"]


@pytest.mark.parametrize(("spread", "share"), [(0.0, 0.5), (0.5, 0.45), (1.0, 0.4)])
def test_renewal_is_at_half_of_the_life_or_a_little_earlier(spread: float, share: float) -> None:
    pair = issue_workload(SIGNER, WEB, NOW, lifetime=timedelta(seconds=100))
    assert pair.renewal(spread) == NOW + timedelta(seconds=100 * share)


def test_keys_are_never_shown() -> None:
    pair = issue_workload(SIGNER, WEB, NOW)
    for text in (repr(pair), repr(SIGNER), f"{[pair]}"):
        assert "PRIVATE" not in text
        assert "BEGIN" not in text
