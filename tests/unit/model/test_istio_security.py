"""Istio's security API is read whole, in both of its versions, and nothing else is."""

from typing import Any

import pytest

from weft.model.decode import Decoder
from weft.model.istio_security import KINDS
from weft.model.kinds import Kinds
from weft.model.objects import Broken, Object

TARGET = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "g", "namespace": ""}
LISTS = [
    "Principals",
    "RequestPrincipals",
    "Namespaces",
    "ServiceAccounts",
    "IpBlocks",
    "RemoteIpBlocks",
    "TrustDomains",
]
OPERATIONS = ["Hosts", "Ports", "Methods", "Paths"]
JWT_RULE = {
    "issuer": "i",
    "audiences": ["a"],
    "jwksUri": "https://i/keys",
    "jwks_uri": "",
    "jwks": "",
    "fromHeaders": [{"name": "n", "prefix": "p"}],
    "fromParams": ["p"],
    "fromCookies": ["c"],
    "outputPayloadToHeader": "h",
    "forwardOriginalToken": True,
    "outputClaimToHeaders": [{"header": "h", "claim": "c"}],
    "timeout": "5s",
    "spaceDelimitedClaims": ["s"],
    "presence": "REQUIRED",
}


def both(names: list[str]) -> dict[str, list[str]]:
    """Fields with a value each, and their twins that exclude."""
    return {f"{name[0].lower()}{name[1:]}": ["x"] for name in names} | {f"not{name}": ["y"] for name in names}


WHOLE: dict[str, dict[str, Any]] = {
    "PeerAuthentication": {
        "selector": {"matchLabels": {"a": "b"}},
        "mtls": {"mode": "STRICT"},
        "portLevelMtls": {"80": {"mode": "DISABLE"}},
    },
    "RequestAuthentication": {"selector": {}, "targetRef": TARGET, "targetRefs": [TARGET], "jwtRules": [JWT_RULE]},
    "AuthorizationPolicy": {
        "selector": {},
        "targetRef": TARGET,
        "targetRefs": [TARGET],
        "action": "CUSTOM",
        "provider": {"name": "p"},
        "rules": [
            {
                "from": [{"source": both(LISTS)}],
                "to": [{"operation": both(OPERATIONS)}],
                "when": [{"key": "k", "values": ["v"], "notValues": ["w"]}],
            }
        ],
    },
}


def decoded(kind: str, spec: Any, version: str = "v1") -> Object[Any] | Broken | None:
    body = {"apiVersion": f"security.istio.io/{version}", "kind": kind, "metadata": {"name": "n"}, "spec": spec}
    return Decoder(Kinds(KINDS)).decode(body).value


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
@pytest.mark.parametrize("kind", WHOLE)
def test_every_field_of_the_api_is_read(kind: str, version: str) -> None:
    assert isinstance(decoded(kind, WHOLE[kind], version), Object)


@pytest.mark.parametrize("kind", WHOLE)
def test_a_field_that_the_api_does_not_have_breaks_the_object(kind: str) -> None:
    assert isinstance(decoded(kind, WHOLE[kind] | {"unknown": 1}), Broken)


@pytest.mark.parametrize("kind", WHOLE)
def test_an_empty_spec_has_the_api_s_defaults(kind: str) -> None:
    found = decoded(kind, {})
    assert isinstance(found, Object)
    assert found.spec == type(found.spec)()
