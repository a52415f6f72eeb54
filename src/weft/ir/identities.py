"""Names of peers: the parts of an identity, and the spellings that a trust domain's aliases make equal (I1, I2)."""

import re
from typing import Final

from msgspec import Struct

from weft.ir.values import Identity, Text

SCHEME: Final = "spiffe://"
_FORM: Final = re.compile(r"spiffe://([^/]+)/ns/([^/]+)/sa/([^/]+)")
_ENDING: Final = re.compile(r"(.*/)?([^/]*)(/ns/[^/]+/sa/[^/]+)")


class WorkloadName(Struct, frozen=True):
    """The parts of an identity in the canonical form `spiffe://<domain>/ns/<namespace>/sa/<account>`."""

    domain: str
    namespace: str
    account: str


def parse_identity(identity: Identity) -> WorkloadName | None:
    """The parts of a canonical identity; None for any other name."""
    match = _FORM.fullmatch(identity)
    return WorkloadName(*match.groups()) if match else None


def identity_spellings(text: Text, domains: tuple[str, ...]) -> tuple[Text, ...]:
    """Texts that together match an identity if `text` matches any spelling of it.

    `domains` are the names of one trust domain: its own and its aliases (Istio's MeshConfig.trustDomainAliases). A text
    that says nothing about the domain, or names another one, stays as it is.
    """
    kind, operand = text
    if len(domains) < 2:
        return (text,)
    if kind in ("exact", "prefix") and operand.startswith(SCHEME):
        return _leading(text, operand.removeprefix(SCHEME), domains)
    if kind == "suffix" and (match := _ENDING.fullmatch(operand)):
        return _trailing(text, match, domains)
    return (text,)


def domain_spellings(text: Text, domains: tuple[str, ...]) -> tuple[Text, ...]:
    """Texts that together match a domain if `text` matches any of its names, as `identity_spellings` does."""
    if not any(_simple_match(text, domain) for domain in domains):
        return (text,)
    return (text, *(("exact", domain) for domain in domains if not _simple_match(text, domain)))


def _leading(text: Text, rest: str, domains: tuple[str, ...]) -> tuple[Text, ...]:
    kind, _ = text
    domain, slash, tail = rest.partition("/")
    if slash:
        return tuple((kind, f"{SCHEME}{each}/{tail}") for each in domains) if domain in domains else (text,)
    if kind == "exact" or not any(each.startswith(domain) for each in domains):
        return (text,)
    return (text, *(("prefix", f"{SCHEME}{each}/") for each in domains if not each.startswith(domain)))


def _trailing(text: Text, match: re.Match[str], domains: tuple[str, ...]) -> tuple[Text, ...]:
    scheme, domain, tail = match.groups()
    if scheme is None:
        matching = {each for each in domains if each.endswith(domain)}
    else:
        matching = {domain} & set(domains) if SCHEME.endswith(scheme) else set()
    if not matching:
        return (text,)
    return (text, *(("exact", f"{SCHEME}{each}{tail}") for each in domains if each not in matching))


def _simple_match(text: Text, value: str) -> bool:
    kind, operand = text
    if kind == "present":
        return True
    if kind == "prefix":
        return value.startswith(operand)
    return value.endswith(operand) if kind == "suffix" else kind == "exact" and value == operand
