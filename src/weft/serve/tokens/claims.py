"""What a pod's token says: the claims of Kubernetes' projected service account tokens.

Source: kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin, "Schema for service account private
claims".
"""

from typing import Any, Final

import msgspec
from msgspec import Struct

from weft.serve.callers import Pod

AUDIENCE: Final = "weft.dev/xds"
"""Whom tokens are for: one that was made for another service is of no use here, nor one of here elsewhere."""


class _Named(Struct, frozen=True, omit_defaults=True):
    name: str
    uid: str = ""


class _Kubernetes(Struct, frozen=True):
    namespace: str
    pod: _Named
    serviceaccount: _Named


class Claims(Struct, frozen=True, rename={"kubernetes": "kubernetes.io"}):
    """A token's content; times in Unix seconds."""

    iss: str
    aud: tuple[str, ...]
    sub: str
    iat: float
    exp: float
    kubernetes: _Kubernetes

    def is_of(self, pod: Pod) -> bool:
        """True if the token was made for this very pod."""
        said = self.kubernetes
        return (said.pod.uid, said.pod.name, said.namespace, said.serviceaccount.name) == (
            pod.uid,
            pod.name,
            pod.namespace,
            pod.service_account,
        )


def pod_claims(pod: Pod, issuer: str, audience: str, issued: int, expires: int) -> dict[str, Any]:
    """Returns the claims of a token that is bound to `pod`."""
    account = f"system:serviceaccount:{pod.namespace}:{pod.service_account}"
    bound = _Kubernetes(pod.namespace, _Named(pod.name, pod.uid), _Named(pod.service_account))
    claims = Claims(issuer, (audience,), account, issued, expires, bound)
    result: dict[str, Any] = msgspec.to_builtins(claims)
    return result


def read_claims(claims: dict[str, Any]) -> Claims:
    """Returns the claims of a token that is bound to a pod; ValueError where one is missing or of a wrong type."""
    return msgspec.convert(claims, Claims)
