"""Conditions on the peer, as terms over its certificate and address.

`authenticated` holds for verified certificates only: on a plaintext connection no identity is ever matched (A5). It
compares the URI names of the certificate; ours have exactly one (I3).
"""

from collections.abc import Callable
from typing import Any, Final

from weft.envoy.messages import cidr
from weft.envoy.rbac.terms import PRINCIPAL, Leaf, Term
from weft.envoy.text_match import quote, regex, string_matcher
from weft.ir.identities import SCHEME, domain_spellings, identity_spellings
from weft.ir.values import Text

_PART: Final = "[^/]*"
_SOME_PART: Final = "[^/]+"
_SOMETHING: Final = "(?s:.+)"


def principal_leaf(key: str, domains: tuple[str, ...]) -> Leaf | None:
    """Returns how values of a key become principals; None for a key that no principal can express.

    `domains` are the names of the local trust domain. Tokens are not checked, so no request has one (A4).
    """
    if key.startswith("token."):
        return lambda _: PRINCIPAL.never()
    leaves: dict[str, Callable[[Any], Term]] = {
        "peer.identity": lambda text: _either(_identity, identity_spellings(text, domains)),
        "peer.domain": lambda text: _either(_domain, domain_spellings(text, domains)),
        "peer.namespace": _namespace,
        "peer.account": _account,
        "peer.address": lambda block: {"direct_remote_ip": cidr(block)},
        "client.address": lambda block: {"remote_ip": cidr(block)},
    }
    return leaves.get(key)


def _either(leaf: Callable[[Text], Term], spellings: tuple[Text, ...]) -> Term:
    return PRINCIPAL.some([leaf(text) for text in spellings])


def _identity(text: Text) -> Term:
    if text[0] == "present":  # a peer without any certificate has an empty name, which must not count
        return _named({"safe_regex": regex(_SOMETHING)})
    return _named(string_matcher(text))


def _domain(text: Text) -> Term:
    return _workload(domain=_part(text))


def _namespace(text: Text) -> Term:
    return _workload(namespace=_part(text))


def _account(text: Text) -> Term:
    kind, operand = text
    namespace, slash, account = operand.partition("/")
    if kind == "present":
        return _workload()
    if kind != "exact" or not slash:
        raise ValueError(f"an account is matched by namespace/account, not by {kind} {operand!r}")
    return _workload(namespace=quote(namespace), account=quote(account))


def _workload(domain: str = _SOME_PART, namespace: str = _SOME_PART, account: str = _SOME_PART) -> Term:
    """Returns the match of canonical identities; the parts are RE2."""
    return _named({"safe_regex": regex(f"{SCHEME}{domain}/ns/{namespace}/sa/{account}")})


def _named(matcher: Any) -> Term:
    return {"authenticated": {"principal_name": matcher}}


def _part(text: Text) -> str:
    """Returns an RE2 for one part of an identity, between slashes."""
    kind, operand = text
    match kind:
        case "exact":
            return quote(operand)
        case "prefix":
            return quote(operand) + _PART
        case "suffix":
            return _PART + quote(operand)
        case "glob":
            return _PART.join(quote(part) for part in operand.split("*"))
        case "present":
            return _SOME_PART
    raise ValueError(f"{kind} can't match a part of an identity")
