"""Checks tokens that `issuer` made."""

import time
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from weft.identity.keys import key_pem
from weft.serve.callers import Caller, PodLookup, RefusedError
from weft.serve.tokens.claims import AUDIENCE, Claims, read_claims
from weft.serve.tokens.issuer import ALGORITHM


class LocalReviewer:
    """A `TokenReviewer` for a standalone mesh: signature, issuer, audience, times, and that the pod is alive."""

    def __init__(
        self,
        key: ec.EllipticCurvePrivateKey,
        name: str,
        pods: PodLookup,
        *,
        audience: str = AUDIENCE,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._key = ECKey.import_key(key_pem(key))
        self._name = name
        self._pods = pods
        self._audience = audience
        self._clock = clock

    async def review(self, token: str) -> Caller:
        """As in `TokenReviewer`."""
        claims = self._verify(token)
        if claims.iss != self._name:
            raise RefusedError("unauthenticated", "the token was made by another mesh")
        if self._audience not in claims.aud:
            raise RefusedError("unauthenticated", f"the token is not for {self._audience}")
        if self._clock() >= claims.exp:
            raise RefusedError("unauthenticated", "the token expired")
        pod = self._pods(claims.kubernetes.pod.uid)
        if pod is None or not claims.is_of(pod):
            raise RefusedError("forbidden", "the token's pod does not exist (any more)")
        return Caller(pod, claims.exp)

    def _verify(self, token: str) -> Claims:
        try:
            return read_claims(jwt.decode(token, self._key, algorithms=[ALGORITHM]).claims)
        except (JoseError, ValueError):  # nothing of the token goes into the message
            raise RefusedError("unauthenticated", "the token is no token of this mesh") from None
