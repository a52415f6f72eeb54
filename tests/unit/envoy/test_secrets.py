"""Secrets that authors name: from the mesh, or in files of the proxy."""

import pytest

from weft.base import protobuf
from weft.envoy.secrets import references, secret
from weft.ir.values import Tls
from weft.ir.view import Credential


def test_a_certificate_carries_its_key_and_roots_stand_alone() -> None:
    pair = secret("secret:shop/cert", Credential(certificate=b"c", key=b"k"))
    assert pair is not None
    built = protobuf.to_dict(pair)
    assert built["name"] == "kubernetes://shop/cert"
    assert built["tlsCertificate"].keys() == {"certificateChain", "privateKey"}
    roots = secret("secret:/cert#ca.crt", Credential(roots=b"r"))
    assert roots is not None
    assert protobuf.to_dict(roots).keys() == {"name", "validationContext"}


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        (
            "file:/c~/k",
            {
                "name": "file-cert:/c~/k",
                "tlsCertificate": {"certificateChain": {"filename": "/c"}, "privateKey": {"filename": "/k"}},
            },
        ),
        ("file:/r", {"name": "file-root:/r", "validationContext": {"trustedCa": {"filename": "/r"}}}),
    ],
)
def test_files_are_named_and_read_by_the_proxy(reference: str, expected: object) -> None:
    built = secret(reference, None)
    assert built is not None
    assert protobuf.to_dict(built) == expected


def test_a_secret_that_is_not_there_is_not_made() -> None:
    assert secret("secret:/cert", None) is None


def test_every_secret_of_an_end_of_tls_is_asked_for() -> None:
    settings = [None, Tls("mutual", ("secret:/a", "file:/c~/k"), "secret:/a-cacert"), Tls("off")]
    assert list(references(settings)) == ["secret:/a", "file:/c~/k", "secret:/a-cacert"]
