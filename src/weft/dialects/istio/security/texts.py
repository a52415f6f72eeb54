"""Texts of authorization rules: Istio's forms of a match, and what may stand in addresses, ports and paths.

The forms are those of the API documentation of AuthorizationPolicy: `abc` exact, `abc*` prefix, `*abc` suffix, `*` any
value that is there. Any other asterisk is an ordinary character.
"""

import ipaddress
import re
from typing import Final

from weft.ir.identities import SCHEME
from weft.ir.values import Text

LOCAL_DOMAIN: Final = "cluster.local"
"""In a principal this means the local trust domain, whatever its name is (I2)."""

HIGHEST_PORT: Final = 65_535
LONGEST_TEMPLATE: Final = 256
"""Envoy's limit of UriTemplateMatchConfig.path_template, where the operators stand without braces."""

LONGEST_NAME: Final = 253
"""Of a name in DNS, which trust domains and namespaces are."""

_BRACES: Final = 2

_TEMPLATE_OPERATORS: Final = ("{*}", "{**}")
_LITERAL: Final = re.compile(r"[a-zA-Z0-9\-._~%!$&'()+,;:@=]+")
_PORT: Final = re.compile(r"[0-9]{1,5}")
_PREFIX_LENGTH: Final = re.compile(r"[0-9]{1,3}")


def text(value: str) -> Text:
    """The match that a value stands for."""
    if value == "*":
        return ("present", "")
    if value.startswith("*"):
        return ("suffix", value[1:])
    return ("prefix", value[:-1]) if value.endswith("*") else ("exact", value)


def host_text(value: str) -> Text:
    """A match of a host, which ignores case; the port is a part of what is compared, as it stands in the request."""
    return text(value.lower())


def namespace_text(value: str) -> Text:
    """A match of a namespace, where an asterisk may stand anywhere."""
    form = text(value)
    return ("glob", value) if "*" in form[1] else form


def path_text(value: str) -> Text:
    """A match of a path, which may be a template: `{*}` is one segment, `{**}` any number of them."""
    return ("template", value) if is_template(value) else text(value)


def identity_text(value: str, trust_domain: str) -> Text:
    """A match of a principal `<domain>/ns/<namespace>/sa/<account>`; `cluster.local` is the local trust domain."""
    rest = value.removeprefix(f"{LOCAL_DOMAIN}/")
    kind, operand = text(value if rest == value else f"{trust_domain}/{rest}")
    return (kind, f"{SCHEME}{operand}") if kind in ("exact", "prefix") else (kind, operand)


def is_template(value: str) -> bool:
    """Whether a path is a template."""
    return any(operator in value for operator in _TEMPLATE_OPERATORS)


def address_problem(value: str) -> str | None:
    """What is wrong with an address or CIDR, as Go's net.ParseIP and net.ParseCIDR read them; None if nothing."""
    address, slash, length = value.partition("/")
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return f"{value!r} is no IP address and no CIDR"
    if "%" in address or (slash and (not _PREFIX_LENGTH.fullmatch(length) or int(length) > parsed.max_prefixlen)):
        return f"{value!r} is no IP address and no CIDR"
    return None


def port_problem(value: str) -> str | None:
    """What is wrong with a port; None if nothing."""
    if _PORT.fullmatch(value) and int(value) <= HIGHEST_PORT:
        return None
    return f"{value!r} is no port: write a number from 0 to {HIGHEST_PORT}"


def path_problem(value: str) -> str | None:
    """What is wrong with a path or a template of one; None if nothing.

    Beyond Istio's rules a template begins with one slash and has no empty segment: Envoy 1.40 crashes on others.
    """
    if "{" not in value and "}" not in value:
        return None
    segments = value.removeprefix("/").removesuffix("/").split("/")
    operators = [segment for segment in segments if segment in _TEMPLATE_OPERATORS]
    if any("{" in segment or "}" in segment for segment in segments if segment not in operators):
        return f"{value!r}: braces may only stand as whole segments {{*}} or {{**}}"
    if not value.startswith("/") or not all(each in operators or _LITERAL.fullmatch(each) for each in segments):
        return f"{value!r}: a template is '/' and segments of letters, digits and -._~%!$&'()+,;:@= between slashes"
    if "{**}" in operators[:-1]:
        return f"{value!r}: {{**}} must be the last operator of a template"
    return _template_length_problem(value, len(operators))


def name_problem(value: str) -> str | None:
    """What is wrong with a name of a namespace or trust domain, or a pattern of one; None if nothing."""
    return f"a name has at most {LONGEST_NAME} characters" if len(value) > LONGEST_NAME else None


def _template_length_problem(value: str, operators: int) -> str | None:
    too_long = len(value) - _BRACES * operators > LONGEST_TEMPLATE
    return f"a template has at most {LONGEST_TEMPLATE} characters" if too_long else None
