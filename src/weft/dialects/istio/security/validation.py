"""What Istio's own validation refuses in an AuthorizationPolicy; each finding is (path, message).

The rules are those of the API documentation (AuthorizationPolicy, its conditions) and of the CRD's schema. A refused
policy is not used in part: its author meant something else than what it says.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from weft.dialects.istio.security.attributes import OPERATION_FIELDS, SOURCE_FIELDS, header_name, is_known
from weft.dialects.istio.security.targets import reference_problems, selector_problems
from weft.dialects.istio.security.texts import address_problem, name_problem, path_problem, port_problem
from weft.model.istio_security import AuthorizationPolicy, Condition, Operation, Rule, Source

Problems = Iterator[tuple[str, str]]

MOST_ACCOUNTS: Final = 16
LONGEST_ACCOUNT: Final = 320

_CHECKS: Final[dict[str, Callable[[str], str | None]]] = {
    "ip_blocks": address_problem,
    "remote_ip_blocks": address_problem,
    "ports": port_problem,
    "paths": path_problem,
    "namespaces": name_problem,
    "trust_domains": name_problem,
    "source.namespace": name_problem,
    "source.trustDomain": name_problem,
    "source.ip": address_problem,
    "remote.ip": address_problem,
    "destination.ip": address_problem,
    "destination.port": port_problem,
}
_ACCOUNT: Final = re.compile(r"[^/*]+(/[^/*]+)?")
_HEADER_NAME: Final = re.compile(r":?[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_UNUSABLE: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_NOT_FOR_CUSTOM: Final = ("namespaces", "principals", "request_principals")
_KEYS_NOT_FOR_CUSTOM: Final = ("source.namespace", "source.principal", "request.auth.")


def problems(spec: AuthorizationPolicy) -> Problems:
    """All that is wrong with a policy."""
    yield from selector_problems(spec.selector)
    yield from reference_problems(spec)
    yield from _action_problems(spec)
    for index, rule in enumerate(spec.rules):
        yield from _rule_problems(rule, f"spec.rules[{index}]")
        if spec.action == "CUSTOM":
            yield from _custom_problems(rule, f"spec.rules[{index}]")


def _action_problems(spec: AuthorizationPolicy) -> Problems:
    if spec.provider is not None and spec.action != "CUSTOM":
        yield "spec.provider", f"a provider belongs to action CUSTOM, not to {spec.action}"
    if spec.action == "CUSTOM" and spec.rules and not (spec.provider and spec.provider.name):
        yield "spec.provider.name", "action CUSTOM needs the name of a provider"


def _rule_problems(rule: Rule, path: str) -> Problems:
    if rule.from_ == ():
        yield f"{path}.from", "an empty list matches nothing by mistake: leave it out to match any source"
    if rule.to == ():
        yield f"{path}.to", "an empty list matches nothing by mistake: leave it out to match any operation"
    for index, sender in enumerate(rule.from_ or ()):
        yield from _entry_problems(sender.source, SOURCE_FIELDS, f"{path}.from[{index}].source")
    for index, target in enumerate(rule.to or ()):
        yield from _entry_problems(target.operation, OPERATION_FIELDS, f"{path}.to[{index}].operation")
    for index, condition in enumerate(rule.when):
        yield from _condition_problems(condition, f"{path}.when[{index}]")


def _entry_problems(entry: Source | Operation | None, fields: Mapping[str, object], path: str) -> Problems:
    written = dict(_written(entry, fields))
    if not written:
        yield path, "at least one field must be set"
    for name, values in written.items():
        positive = name.removeprefix("not_")
        yield from _value_problems(values, _CHECKS.get(positive), f"{path}.{_camel(name)}")
        if positive == "service_accounts":
            yield from _account_problems(values, f"{path}.{_camel(name)}")
    if any("service_accounts" in name for name in written):
        for name in written:
            if name.removeprefix("not_") in ("principals", "namespaces"):
                yield f"{path}.{_camel(name)}", "serviceAccounts can't be combined with principals or namespaces"


def _written(entry: Source | Operation | None, fields: Mapping[str, object]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for name in (twin for field in fields for twin in (field, f"not_{field}")):
        values = getattr(entry, name) if entry is not None else ()
        if values:
            yield name, values


def _value_problems(values: tuple[str, ...], check: Callable[[str], str | None] | None, path: str) -> Problems:
    for index, value in enumerate(values):
        if not value:
            yield f"{path}[{index}]", "the value is empty"
        elif _UNUSABLE.search(value):
            yield f"{path}[{index}]", "a control character or half a surrogate pair can't be matched"
        elif check is not None and (problem := check(value)):
            yield f"{path}[{index}]", problem


def _account_problems(values: tuple[str, ...], path: str) -> Problems:
    if len(values) > MOST_ACCOUNTS:
        yield path, f"at most {MOST_ACCOUNTS} service accounts are allowed"
    for index, value in enumerate(values):
        if not _ACCOUNT.fullmatch(value) or len(value) > LONGEST_ACCOUNT:
            yield f"{path}[{index}]", f"{value!r}: write 'account' or 'namespace/account', without wildcards"


def _condition_problems(condition: Condition, path: str) -> Problems:
    key, values = condition.key, (*condition.values, *condition.not_values)
    if not is_known(key):
        yield f"{path}.key", f"there is no attribute {key!r}" if key else "the key is missing"
        return
    header = header_name(key)
    if header is not None and not _HEADER_NAME.fullmatch(header):
        yield f"{path}.key", f"{header!r} is no name of a header"
    if not values:
        yield path, "at least one of values and notValues must be set"
    yield from _value_problems(condition.values, _CHECKS.get(key), f"{path}.values")
    yield from _value_problems(condition.not_values, _CHECKS.get(key), f"{path}.notValues")
    if key == "source.serviceAccount":
        yield from _account_problems(values, path)


def _custom_problems(rule: Rule, path: str) -> Problems:
    for index, sender in enumerate(rule.from_ or ()):
        for name, _ in _written(sender.source, dict.fromkeys(_NOT_FOR_CUSTOM)):
            yield f"{path}.from[{index}].source.{_camel(name)}", "this field can't be used with action CUSTOM"
    for index, condition in enumerate(rule.when):
        if condition.key.startswith(_KEYS_NOT_FOR_CUSTOM):
            yield f"{path}.when[{index}].key", f"{condition.key} can't be used with action CUSTOM"


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
