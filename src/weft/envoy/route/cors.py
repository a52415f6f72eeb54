"""Cross-origin requests."""

from typing import Final

from google.protobuf.message import Message

from weft.base import protobuf
from weft.envoy.text_match import string_matcher
from weft.ir.routing import Cors

CORS_POLICY: Final = "envoy.extensions.filters.http.cors.v3.CorsPolicy"


def cors_policy(cors: Cors) -> Message:
    """Returns the CorsPolicy."""
    return protobuf.new(
        CORS_POLICY,
        allow_origin_string_match=[string_matcher(origin) for origin in cors.origins],
        allow_methods=",".join(cors.methods),
        allow_headers=",".join(cors.headers),
        expose_headers=",".join(cors.expose),
        max_age="" if cors.max_age is None else str(cors.max_age // 1000),
        allow_credentials=None if cors.credentials is None else {"value": cors.credentials},
        forward_not_matching_preflights=None if cors.forward_unmatched is None else {"value": cors.forward_unmatched},
    )
