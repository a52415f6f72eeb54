"""A token proves one live pod, to us, for a time."""

import json
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from weft.identity.keys import generate_key, key_pem
from weft.serve.callers import Pod, RefusedError
from weft.serve.tokens.claims import AUDIENCE, pod_claims
from weft.serve.tokens.issuer import TokenIssuer
from weft.serve.tokens.reviewer import LocalReviewer

POD = Pod("uid-1", "shop", "web-0", "web")
KEY = generate_key()


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Setting:
    def __init__(self) -> None:
        self.clock = Clock()
        self.pods = {POD.uid: POD}
        self.issuer = TokenIssuer(KEY, "weft/mesh", clock=self.clock)
        self.reviewer = LocalReviewer(KEY, "weft/mesh", self.pods.get, clock=self.clock)

    async def refusal(self, token: str) -> RefusedError:
        with pytest.raises(RefusedError) as refused:
            await self.reviewer.review(token)
        assert token not in str(refused.value) or not token
        return refused.value


def signed(claims: dict[str, Any], key: Any = None, **header: str) -> str:
    return jwt.encode({"alg": "ES256", **header}, claims, key or ECKey.import_key(key_pem(KEY)))


def claims(**changes: Any) -> dict[str, Any]:
    return pod_claims(POD, "weft/mesh", AUDIENCE, 1_000_000, 1_003_600) | changes


async def test_a_token_names_its_pod_until_it_expires() -> None:
    setting = Setting()
    token = setting.issuer.issue(POD, 100.0)
    caller = await setting.reviewer.review(token)
    assert (caller.pod, caller.expires) == (POD, 1_000_100)
    setting.clock.now += 100
    assert (await setting.refusal(token)).reason == "unauthenticated"


def test_the_claims_are_those_of_kubernetes() -> None:
    assert json.loads(json.dumps(claims())) == {
        "iss": "weft/mesh",
        "aud": ["weft.dev/xds"],
        "sub": "system:serviceaccount:shop:web",
        "iat": 1_000_000,
        "exp": 1_003_600,
        "kubernetes.io": {
            "namespace": "shop",
            "pod": {"name": "web-0", "uid": "uid-1"},
            "serviceaccount": {"name": "web"},
        },
    }


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"aud": ["istio-ca"]}, "is not for weft.dev/xds"),
        ({"aud": []}, "is not for weft.dev/xds"),
        ({"iss": "weft/other"}, "another mesh"),
        ({"exp": 999_999}, "expired"),
        ({"exp": "tomorrow"}, "no token of this mesh"),
        ({"kubernetes.io": None}, "no token of this mesh"),
        ({"kubernetes.io": {"namespace": "shop"}}, "no token of this mesh"),
    ],
)
async def test_a_token_with_other_claims_is_refused(changes: dict[str, Any], why: str) -> None:
    refusal = await Setting().refusal(signed(claims(**changes)))
    assert refusal.reason == "unauthenticated"
    assert why in str(refusal)


async def test_a_token_that_others_signed_is_refused() -> None:
    other = ECKey.import_key(key_pem(generate_key()))
    shared = OctKey.import_key(b"x" * 32)
    for token in (
        signed(claims(), other),
        jwt.encode({"alg": "HS256"}, claims(), shared),
        signed(claims())[:-4] + "AAAA",
        "eyJhbGciOiJub25lIn0." + signed(claims()).split(".")[1] + ".",
        "",
        "a.b.c",
        "nonsense",
        "\x00\xff",
    ):
        assert (await Setting().refusal(token)).reason == "unauthenticated"


async def test_the_token_of_a_deleted_pod_is_refused() -> None:
    setting = Setting()
    token = setting.issuer.issue(POD)
    del setting.pods[POD.uid]
    assert (await setting.refusal(token)).reason == "forbidden"


@pytest.mark.parametrize(
    "other",
    [
        Pod("uid-1", "other", "web-0", "web"),
        Pod("uid-1", "shop", "web-1", "web"),
        Pod("uid-1", "shop", "web-0", "admin"),
    ],
)
async def test_a_pod_that_is_not_as_the_token_says_is_refused(other: Pod) -> None:
    setting = Setting()
    token = setting.issuer.issue(POD)
    setting.pods[POD.uid] = other
    assert (await setting.refusal(token)).reason == "forbidden"
