"""No key is shown, whatever form a secret has; what is public stays."""

import json

import pytest

from weft.apps.offline.redaction import Json, redacted
from weft.base import protobuf

SECRET = "envoy.extensions.transport_sockets.tls.v3.Secret"
KEY = "a2V5"


@pytest.mark.parametrize(
    "content",
    [
        {"tlsCertificate": {"certificateChain": {"inlineString": "public"}, "privateKey": {"inlineBytes": KEY}}},
        {"tlsCertificate": {"certificateChain": {"inlineString": "public"}, "privateKey": {"inlineString": KEY}}},
        {"tlsCertificate": {"certificateChain": {"inlineString": "public"}, "password": {"inlineString": KEY}}},
        {"tlsCertificate": {"certificateChain": {"filename": "public"}, "pkcs12": {"inlineBytes": KEY}}},
        {"name": "public", "sessionTicketKeys": {"keys": [{"inlineBytes": KEY}]}},
        {"name": "public", "genericSecret": {"secret": {"inlineString": KEY}}},
        {"name": "public", "genericSecret": {"secrets": {"one": {"inlineBytes": KEY}}}},
    ],
)
def test_every_sensitive_field_is_hidden(content: Json) -> None:
    protobuf.from_dict(SECRET, content)  # it is one that Envoy knows
    shown = redacted(content)
    assert KEY not in json.dumps(shown)
    assert "public" in json.dumps(shown)
    protobuf.from_dict(SECRET, shown)


def test_roots_and_names_of_files_stay() -> None:
    roots = {"name": "ROOTCA", "validationContext": {"trustedCa": {"inlineBytes": KEY}}}
    assert redacted(roots) == roots
    file = {"tlsCertificate": {"privateKey": {"filename": "/etc/key.pem"}}}
    assert redacted(file) == file
