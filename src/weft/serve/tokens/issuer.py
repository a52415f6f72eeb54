"""Makes the tokens of a standalone mesh: JWTs (RFC 7519) with ES256, as a cluster's API server makes them."""

import time
from collections.abc import Callable
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jwt
from joserfc.jwk import ECKey

from weft.identity.keys import key_pem
from weft.serve.callers import Pod
from weft.serve.tokens.claims import AUDIENCE, pod_claims

TOKEN_LIFETIME: Final = 3_600.0
"""Seconds; Kubernetes' default for projected tokens. Hand out the next one after 80 % of it, as kubelet does."""

ALGORITHM: Final = "ES256"


class TokenIssuer:
    """Signs tokens with the controller's key (ECDSA P-256). `name` is the mesh's: it is who the token says made it."""

    def __init__(
        self,
        key: ec.EllipticCurvePrivateKey,
        name: str,
        audience: str = AUDIENCE,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.name = name
        self._key = ECKey.import_key(key_pem(key))
        self._audience = audience
        self._clock = clock

    def issue(self, pod: Pod, lifetime: float = TOKEN_LIFETIME) -> str:
        """Returns a token for a pod, good for `lifetime` seconds while the pod lives. Hand it to that pod alone."""
        now = self._clock()
        claims = pod_claims(pod, self.name, self._audience, int(now), int(now + lifetime))
        return jwt.encode({"alg": ALGORITHM, "kid": self._key.thumbprint()}, claims, self._key)
