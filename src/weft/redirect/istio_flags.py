"""The command line and environment of `istio-iptables`, as an order.

Flags, short forms, variables and defaults are those of Istio 1.28 and before
(https://istio.io/latest/docs/reference/commands/pilot-agent/#pilot-agent-istio-iptables). Unlike the order's own
defaults, which are what Istio's injection template asks for, nothing is captured unless a flag says so. Two flags are
Weft's: `--dns-servers`, in the place of reading /etc/resolv.conf, and `--ipv6`, in the place of looking at the
machine's addresses.
"""

import shlex
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from weft.model.local import RedirectOrder

Environment = Mapping[str, str]

_START: Final = RedirectOrder(include_outbound_cidrs=(), include_inbound_ports=(), exclude_inbound_ports=())
_TRUE: Final = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_FALSE: Final = frozenset({"0", "f", "F", "false", "FALSE", "False"})
"""As Go's strconv.ParseBool."""
_MODES: Final = {"": "redirect", "REDIRECT": "redirect", "TPROXY": "tproxy", "NONE": "none"}
_PROGRAM: Final = ("pilot-agent", "istio-iptables")


class FlagError(ValueError):
    """The flags or the environment ask for something that means nothing; the message names the flag or variable."""


class Reading(Struct, frozen=True):
    """The order; where each of its fields was said, in words for people; and what the user should know."""

    order: RedirectOrder
    said: Mapping[str, str]
    notes: tuple[str, ...]


class _Flag(Struct, frozen=True):
    """A flag that has an effect: `read` makes the value of `field`. A switch needs no value."""

    name: str
    short: str
    field: str
    read: Callable[[str], Any]
    switch: bool = False
    variables: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return f"--{self.name} (-{self.short})" if self.short else f"--{self.name}"


def _list(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split(",") if part)


def _users(text: str) -> tuple[str, ...]:
    """No user at all is Istio's own, 1337."""
    return _list(text) or ("1337",)


def _groups(text: str) -> tuple[str, ...] | None:
    """No group at all are the users' numbers."""
    return _list(text) or None


def _number(text: str) -> int:
    try:
        return int(text, 0)
    except ValueError:
        raise ValueError(f"{text!r} is no number") from None


def _switch(text: str) -> bool:
    if text not in _TRUE | _FALSE:
        raise ValueError(f"{text!r} is neither true nor false")
    return text in _TRUE


def _mode(text: str) -> str:
    if text not in _MODES:
        raise ValueError(f"{text!r} is no way of interception: write REDIRECT, TPROXY or NONE")
    return _MODES[text]


def _same_name(name: str) -> tuple[str, ...]:
    """The variable that Istio reads where the flag is not given."""
    return (name.upper().replace("-", "_"),)


_FLAGS: Final = (
    _Flag("envoy-port", "p", "outbound_port", _number),
    _Flag("inbound-capture-port", "z", "inbound_port", _number),
    _Flag("inbound-tunnel-port", "e", "tunnel_port", _number),
    _Flag("proxy-uid", "u", "proxy_users", _users),
    _Flag("proxy-gid", "g", "proxy_groups", _groups),
    _Flag("istio-inbound-interception-mode", "m", "interception", _mode),
    _Flag("istio-inbound-tproxy-mark", "t", "tproxy_mark", _number),
    _Flag("istio-inbound-tproxy-route-table", "r", "tproxy_table", _number),
    _Flag("istio-inbound-ports", "b", "include_inbound_ports", _list),
    _Flag("istio-local-exclude-ports", "d", "exclude_inbound_ports", _list),
    _Flag("istio-exclude-interfaces", "c", "exclude_interfaces", _list),
    _Flag("istio-service-cidr", "i", "include_outbound_cidrs", _list),
    _Flag("istio-service-exclude-cidr", "x", "exclude_outbound_cidrs", _list),
    _Flag("istio-outbound-ports", "q", "include_outbound_ports", _list),
    _Flag("istio-local-outbound-ports-exclude", "o", "exclude_outbound_ports", _list),
    _Flag("kube-virt-interfaces", "k", "virtual_interfaces", _list),
    _Flag("redirect-dns", "", "capture_dns", _switch, switch=True, variables=("ISTIO_META_DNS_CAPTURE",)),
    _Flag("capture-all-dns", "", "capture_all_dns", _switch, switch=True),
    _Flag("dns-servers", "", "dns_servers", _list),
    _Flag("drop-invalid", "", "drop_invalid", _switch, switch=True, variables=("INVALID_DROP",)),
    _Flag("dual-stack", "", "ipv6", _switch, switch=True, variables=("ISTIO_DUAL_STACK",)),
    _Flag("ipv6", "", "ipv6", _switch, switch=True),
)
_OWN: Final = frozenset({"dns-servers", "ipv6"})
"""Istio has no variables for these."""

_VARIABLES: Final[dict[str, tuple[str, Callable[[str], Any]]]] = {
    "ISTIO_OUTBOUND_OWNER_GROUPS": ("include_owner_groups", _list),
    "ISTIO_OUTBOUND_OWNER_GROUPS_EXCLUDE": ("exclude_owner_groups", _list),
    "ISTIO_OUTBOUND_IPV4_LOOPBACK_CIDR": ("loopback_cidr", str),
    "HOST_IPV4_LOOPBACK_CIDR": ("loopback_cidr", str),
    "ENVOY_USER": ("proxy_users", _users),
}
"""Variables that no flag stands for."""

_NO_EFFECT: Final[dict[str, bool]] = {
    "dry-run": True,
    "skip-rule-apply": True,
    "run-validation": True,
    "iptables-probe-port": False,
    "probe-timeout": False,
    "network-namespace": False,
    "cni-mode": True,
    "reconcile": True,
    "cleanup-only": True,
    "force-apply": True,
    "native-nftables": True,
    "force-legacy-iptables": True,
    "force-iptables-binary": False,
    "iptables-trace-logging": True,
    "iptables-version": False,
    "restore-format": True,
    "clean": True,
    "output-paths": False,
    "log-as-json": True,
    "log-caller": False,
    "log-output-level": False,
    "log-stacktrace-level": False,
    "log-target": False,
    "vklog": False,
}
"""Flags about how Istio applies rules and what it logs, of all versions, and whether they are switches."""

_SHORT: Final = {flag.short: flag.name for flag in _FLAGS if flag.short} | {"n": "dry-run", "f": "restore-format"}
_BY_NAME: Final = {flag.name: flag for flag in _FLAGS}


def read_flags(flags: str, environment: Environment) -> Reading:
    """What the flags (one string, as in a shell) and the environment ask for; a flag wins over a variable.

    Raises FlagError. Values are only checked by `sidecar_plan`; `said` then tells what to name in its place.
    """
    notes: list[str] = []
    order, said = _from_environment(environment)
    notes += [f"{where} is taken from the environment" for where in said.values()]
    for name, value in _given(flags):
        flag = _BY_NAME.get(name)
        if flag is None:
            notes.append(f"--{name} has no effect: rules are only shown, not applied")
            continue
        order = replace(order, **{flag.field: _value(flag.read, value, flag.text)})
        said[flag.field] = flag.text
    return Reading(order, said, (*notes, *_idle(order)))


def name_of(field: str) -> str:
    """What sets a field of an order: a flag, or else a variable."""
    flags = (flag.text for flag in _FLAGS if flag.field == field)
    return next(flags, None) or next((name for name, (known, _) in _VARIABLES.items() if known == field), field)


def _from_environment(environment: Environment) -> tuple[RedirectOrder, dict[str, str]]:
    order, said = _START, dict[str, str]()
    readers = {
        variable: (flag.field, flag.read)
        for flag in _FLAGS
        if flag.name not in _OWN
        for variable in (*_same_name(flag.name), *flag.variables)
    }
    for variable, (field, read) in ({**_VARIABLES, **readers}).items():
        if variable in environment:
            order = replace(order, **{field: _value(read, environment[variable], variable)})
            said[field] = variable
    return order, said


def _value(read: Callable[[str], Any], text: str, where: str) -> Any:
    try:
        return read(text)
    except ValueError as error:
        raise FlagError(f"{where}: {error}") from None


def _given(flags: str) -> Iterator[tuple[str, str]]:
    """Names and values of the flags, in order."""
    try:
        words = shlex.split(flags)
    except ValueError as error:
        raise FlagError(f"the flags can't be read: {error}") from error
    while words and words[0] in _PROGRAM:
        words.pop(0)
    rest = iter(words)
    for word in rest:
        name, value, shown = _split(word)
        if value is None and _is_switch(name):
            value = "true"
        if value is None:
            value = next(rest, None)
        if value is None:
            raise FlagError(f"{shown} needs a value")
        yield name, value


def _split(word: str) -> tuple[str, str | None, str]:
    """The long name of a flag, its value if it is in the same word, and what the user wrote."""
    if word.startswith("--") and len(word) > 2:
        name, equals, value = word[2:].partition("=")
        name = name.replace("_", "-")
        if name not in _BY_NAME and name not in _NO_EFFECT:
            raise FlagError(f"--{name} is no flag of istio-iptables")
        return name, value if equals else None, f"--{name}"
    if word.startswith("-") and len(word) > 1:
        if word[1] not in _SHORT:
            raise FlagError(f"-{word[1]} is no flag of istio-iptables")
        return _SHORT[word[1]], word[2:].removeprefix("=") or None if word[2:] != "=" else "", word[:2]
    raise FlagError(f"{word!r} belongs to no flag; a switch takes its value like this: --redirect-dns=true")


def _is_switch(name: str) -> bool:
    return _BY_NAME[name].switch if name in _BY_NAME else _NO_EFFECT[name]


def _idle(order: RedirectOrder) -> Iterator[str]:
    """Flags that do nothing beside others: what users may not expect."""
    if order.exclude_inbound_ports and "*" not in order.include_inbound_ports:
        yield "--istio-local-exclude-ports (-d) has no effect without -b '*'"
    if (order.capture_all_dns or order.dns_servers) and not order.capture_dns:
        yield "--capture-all-dns and --dns-servers have no effect without --redirect-dns"
    if order.dns_servers and order.capture_dns and order.capture_all_dns:
        yield "--dns-servers has no effect beside --capture-all-dns"
