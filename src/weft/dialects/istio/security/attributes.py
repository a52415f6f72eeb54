"""Fields and attributes of Istio's rules, and the conditions of the neutral model that they become."""

from collections.abc import Callable, Iterator
from typing import Final

from msgspec import Struct

from weft.dialects.istio.security.texts import host_text, identity_text, namespace_text, path_text, text
from weft.ir.values import All, Condition, Text
from weft.model.istio_security import Condition as When
from weft.model.istio_security import Operation, Rule, Source


class Scope(Struct, frozen=True):
    """What a value may depend on besides itself: the policy's namespace and the local trust domain."""

    namespace: str
    trust_domain: str


Convert = Callable[[str, Scope], Text | str]


class Attribute(Struct, frozen=True):
    """The key of an attribute in the neutral model, and how a value of it is read."""

    key: str
    convert: Convert


def _text(value: str, _: Scope) -> Text:
    return text(value)


def _as_it_is(value: str, _: Scope) -> str:
    return value


PRINCIPAL: Final = Attribute("peer.identity", lambda value, scope: identity_text(value, scope.trust_domain))
NAMESPACE: Final = Attribute("peer.namespace", lambda value, _: namespace_text(value))
SERVICE_ACCOUNT: Final = Attribute(
    "peer.account", lambda value, scope: ("exact", value if "/" in value else f"{scope.namespace}/{value}")
)
TRUST_DOMAIN: Final = Attribute("peer.domain", _text)
ADDRESS: Final = Attribute("peer.address", _as_it_is)
CLIENT_ADDRESS: Final = Attribute("client.address", _as_it_is)
TOKEN_PRINCIPAL: Final = Attribute("token.principal", _text)
PORT: Final = Attribute("port", lambda value, _: f"tcp:{int(value)}")

SOURCE_FIELDS: Final = {
    "principals": PRINCIPAL,
    "request_principals": TOKEN_PRINCIPAL,
    "namespaces": NAMESPACE,
    "service_accounts": SERVICE_ACCOUNT,
    "ip_blocks": ADDRESS,
    "remote_ip_blocks": CLIENT_ADDRESS,
    "trust_domains": TRUST_DOMAIN,
}
"""Fields of a source; each has a twin with `not_` in front."""

OPERATION_FIELDS: Final = {
    "hosts": Attribute("request.host", lambda value, _: host_text(value)),
    "ports": PORT,
    "methods": Attribute("request.method", _text),
    "paths": Attribute("request.path", lambda value, _: path_text(value)),
}
"""Fields of an operation, with twins as a source's."""

_WHEN: Final = {
    "source.ip": ADDRESS,
    "remote.ip": CLIENT_ADDRESS,
    "source.namespace": NAMESPACE,
    "source.principal": PRINCIPAL,
    "source.serviceAccount": SERVICE_ACCOUNT,
    "source.trustDomain": TRUST_DOMAIN,
    "request.auth.principal": TOKEN_PRINCIPAL,
    "request.auth.audiences": Attribute("token.audience", _text),
    "request.auth.presenter": Attribute("token.presenter", _text),
    "destination.ip": Attribute("local.address", _as_it_is),
    "destination.port": PORT,
    "connection.sni": Attribute("tls.name", _text),
}
_HEADERS: Final = "request.headers["
_CLAIMS: Final = "request.auth.claims["
_METADATA: Final = "experimental.envoy.filters."


def when_attribute(key: str) -> Attribute | None:
    """The attribute of a condition's key (Istio's list of conditions); None for what the neutral model has no key for.

    A claim keeps its path in brackets: `token.claim:[group][id]`.
    """
    if key.startswith(_HEADERS):
        return Attribute(f"request.header:{key[len(_HEADERS) : -1].lower()}", _text)
    if key.startswith(_CLAIMS):
        return Attribute(f"token.claim:{key[len(_CLAIMS) - 1 :]}", _text)
    return _WHEN.get(key)


def unknown_attributes(rule: Rule) -> tuple[str, ...]:
    """Keys of a rule's conditions that the neutral model has no key for (proxy metadata)."""
    return tuple(each.key for each in rule.when if when_attribute(each.key) is None)


def is_known(key: str) -> bool:
    """Whether Istio has a condition of this key, with a name in brackets where there must be one."""
    if key.startswith((_HEADERS, _CLAIMS, _METADATA)):
        name = key.partition("[")[2]
        return key.endswith("]") and len(name) > 1
    return key in _WHEN


def header_name(key: str) -> str | None:
    """The header that a condition's key names; None if it is about something else."""
    return key[len(_HEADERS) : -1] if key.startswith(_HEADERS) and key.endswith("]") else None


def source_conditions(source: Source, scope: Scope) -> All:
    """A source as a conjunction."""
    return tuple(_field_conditions(source, SOURCE_FIELDS, scope))


def operation_conditions(operation: Operation, scope: Scope) -> All:
    """An operation as a conjunction."""
    return tuple(_field_conditions(operation, OPERATION_FIELDS, scope))


def when_conditions(when: tuple[When, ...], scope: Scope) -> All:
    """Additional conditions as a conjunction, without those that the neutral model has no key for."""
    found = ((when_attribute(each.key), each) for each in when)
    return tuple(_condition(each, written.values, written.not_values, scope) for each, written in found if each)


def _field_conditions(written: Source | Operation, fields: dict[str, Attribute], scope: Scope) -> Iterator[Condition]:
    for name, attribute in fields.items():
        values, not_values = getattr(written, name), getattr(written, f"not_{name}")
        if values or not_values:
            yield _condition(attribute, values, not_values, scope)


def _condition(attribute: Attribute, values: tuple[str, ...], not_values: tuple[str, ...], scope: Scope) -> Condition:
    def converted(written: tuple[str, ...]) -> tuple[Text | str, ...]:
        return tuple(sorted({attribute.convert(value, scope) for value in written}))

    return Condition(attribute.key, converted(values) if values else None, converted(not_values))
