"""Istio's security API, compiled to authentication and authorization of the neutral model."""

from typing import Final

from weft.dialects.compiled import Compile, CompileBroken
from weft.dialects.istio.security.authentication import (
    compile_broken_peer_authentication,
    compile_peer_authentication,
    compile_request_authentication,
)
from weft.dialects.istio.security.authorization import (
    compile_authorization_policy,
    compile_broken_authorization_policy,
)
from weft.model.istio_security import AUTHORIZATION_POLICY, PEER_AUTHENTICATION, REQUEST_AUTHENTICATION

COMPILERS: Final[dict[str, Compile]] = {
    PEER_AUTHENTICATION.key: compile_peer_authentication,
    REQUEST_AUTHENTICATION.key: compile_request_authentication,
    AUTHORIZATION_POLICY.key: compile_authorization_policy,
}
"""The function for each kind of readable object."""

BROKEN: Final[dict[str, CompileBroken]] = {
    PEER_AUTHENTICATION.key: compile_broken_peer_authentication,
    AUTHORIZATION_POLICY.key: compile_broken_authorization_policy,
}
"""The function for each kind of object that can't be read; a broken RequestAuthentication changes nothing."""
