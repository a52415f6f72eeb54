"""Istio's security API: PeerAuthentication, RequestAuthentication, AuthorizationPolicy (security.istio.io v1, v1beta1).

Fields and defaults are those of the API's proto files. A field that is UNSET was not written: for `from` and `to` that
differs from an empty list, which is an error.
"""

from typing import Final, Literal

from msgspec import UNSET, Struct, UnsetType, field

from weft.model.istio_type import WorkloadSelector
from weft.model.objects import Kind

GROUP: Final = "security.istio.io"

MutualTlsMode = Literal["UNSET", "DISABLE", "PERMISSIVE", "STRICT"]
Action = Literal["ALLOW", "DENY", "AUDIT", "CUSTOM"]


class PolicyTargetReference(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A gateway or service that a policy is attached to, in the policy's own namespace."""

    group: str = ""
    kind: str = ""
    name: str = ""
    namespace: str = ""


class MutualTls(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A mode of mutual TLS; UNSET inherits from the wider policy."""

    mode: MutualTlsMode = "UNSET"


class PeerAuthentication(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Whether peers must use mutual TLS. Keys of `port_level_mtls` are ports of the workload, not of services."""

    selector: WorkloadSelector | None = None
    mtls: MutualTls | None = None
    port_level_mtls: dict[int | str, MutualTls] = {}


class JwtHeader(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A header that carries a token after a prefix."""

    name: str = ""
    prefix: str = ""


class ClaimToHeader(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A header to be set from a claim."""

    header: str = ""
    claim: str = ""


class JwtRule(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """An issuer of tokens: its keys, where its tokens are found and what becomes of them."""

    issuer: str = ""
    audiences: tuple[str, ...] = ()
    jwks_uri: str = ""
    jwks_uri_old: str = field(default="", name="jwks_uri")
    jwks: str = ""
    from_headers: tuple[JwtHeader, ...] = ()
    from_params: tuple[str, ...] = ()
    from_cookies: tuple[str, ...] = ()
    output_payload_to_header: str = ""
    forward_original_token: bool = False
    output_claim_to_headers: tuple[ClaimToHeader, ...] = ()
    timeout: str = ""
    space_delimited_claims: tuple[str, ...] = ()
    presence: Literal["OPTIONAL", "REQUIRED"] = "OPTIONAL"


class RequestAuthentication(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Which tokens requests may carry."""

    selector: WorkloadSelector | None = None
    target_ref: PolicyTargetReference | None = None
    target_refs: tuple[PolicyTargetReference, ...] = ()
    jwt_rules: tuple[JwtRule, ...] = ()


class Source(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Who sends a request; all stated fields must hold, each by any of its values."""

    principals: tuple[str, ...] = ()
    not_principals: tuple[str, ...] = ()
    request_principals: tuple[str, ...] = ()
    not_request_principals: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    not_namespaces: tuple[str, ...] = ()
    service_accounts: tuple[str, ...] = ()
    not_service_accounts: tuple[str, ...] = ()
    ip_blocks: tuple[str, ...] = ()
    not_ip_blocks: tuple[str, ...] = ()
    remote_ip_blocks: tuple[str, ...] = ()
    not_remote_ip_blocks: tuple[str, ...] = ()
    trust_domains: tuple[str, ...] = ()
    not_trust_domains: tuple[str, ...] = ()


class Operation(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What a request asks for; all stated fields must hold, each by any of its values."""

    hosts: tuple[str, ...] = ()
    not_hosts: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    not_ports: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    not_methods: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    not_paths: tuple[str, ...] = ()


class From(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """An entry of a rule's `from`."""

    source: Source | None = None


class To(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """An entry of a rule's `to`."""

    operation: Operation | None = None


class Condition(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """An attribute that must have one of `values` and none of `not_values`."""

    key: str = ""
    values: tuple[str, ...] = ()
    not_values: tuple[str, ...] = ()


class Rule(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Any of the sources, any of the operations and all conditions; an empty rule matches every request."""

    from_: tuple[From, ...] | UnsetType = UNSET
    to: tuple[To, ...] | UnsetType = UNSET
    when: tuple[Condition, ...] = ()


class ExtensionProvider(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A named external authorizer of MeshConfig."""

    name: str = ""


class AuthorizationPolicy(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Who may do what with the selected workloads. No rules match nothing."""

    selector: WorkloadSelector | None = None
    target_ref: PolicyTargetReference | None = None
    target_refs: tuple[PolicyTargetReference, ...] = ()
    action: Action = "ALLOW"
    rules: tuple[Rule, ...] = ()
    provider: ExtensionProvider | None = None


PEER_AUTHENTICATION: Final = Kind(
    group=GROUP,
    name="PeerAuthentication",
    plural="peerauthentications",
    versions=("v1", "v1beta1"),
    spec=PeerAuthentication,
    short_names=("pa",),
)
REQUEST_AUTHENTICATION: Final = Kind(
    group=GROUP,
    name="RequestAuthentication",
    plural="requestauthentications",
    versions=("v1", "v1beta1"),
    spec=RequestAuthentication,
    short_names=("ra",),
)
AUTHORIZATION_POLICY: Final = Kind(
    group=GROUP,
    name="AuthorizationPolicy",
    plural="authorizationpolicies",
    versions=("v1", "v1beta1"),
    spec=AuthorizationPolicy,
    short_names=("ap",),
)
KINDS: Final = (PEER_AUTHENTICATION, REQUEST_AUTHENTICATION, AUTHORIZATION_POLICY)
