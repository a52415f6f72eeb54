"""Of which families a Service gets addresses: the rules of an API server. Pure.

Source: core/v1 ServiceSpec (`ipFamilyPolicy`, `ipFamilies`, `clusterIP`, `clusterIPs`) and Kubernetes, "IPv4/IPv6
dual-stack".
"""

from collections.abc import Sequence
from typing import Final

from weft.base.families import FAMILIES, Address, Family, family_of, parse_address
from weft.model.kubernetes import Service

HEADLESS: Final = "None"
"""What a Service says in the place of an address that wants none."""

_BOTH: Final = "start the mesh with --ip-families IPv4,IPv6"


class FamilyError(Exception):
    """A Service asks for addresses that it can't have: the field, why, and the way out."""

    def __init__(self, path: str, message: str, advice: str) -> None:
        super().__init__(message)
        self.path = path
        self.advice = advice


def is_headless(spec: Service) -> bool:
    """Whether a Service says that it wants no address."""
    return spec.cluster_ip == HEADLESS or HEADLESS in spec.cluster_ips


def stated_addresses(spec: Service) -> tuple[Address, ...]:
    """The addresses that a Service states itself, at most one of each family. Raises FamilyError."""
    texts = _stated_texts(spec)
    if is_headless(spec):
        return ()
    found = tuple(map(_address, texts))
    if len({each.version for each in found}) < len(found):
        raise FamilyError("spec.clusterIPs", "there is more than one address of a family", "state one of each")
    return found


def service_families(spec: Service, available: Sequence[Family]) -> tuple[Family, ...]:
    """The families of a Service's addresses, its primary one first. `available` are those of the mesh, in its order.

    Raises FamilyError where an API server would refuse the Service.
    """
    if is_headless(spec) and not spec.selector and not spec.ip_families:
        return tuple(available)  # whoever lists the endpoints may have some of any family
    stated = _stated_families(spec)
    _check_count(spec, stated)
    for family in stated:
        if family not in available:
            raise FamilyError("spec.ipFamilies", f"{family} is not configured in this mesh", _BOTH)
    if spec.ip_family_policy == "RequireDualStack" and len(available) < len(FAMILIES):
        raise FamilyError("spec.ipFamilyPolicy", "this mesh is not configured for dual-stack services", _BOTH)
    wanted = stated or tuple(available[:1])
    if spec.ip_family_policy in ("", "SingleStack"):
        return wanted
    return (*wanted, *(family for family in available if family not in wanted))


def _stated_families(spec: Service) -> tuple[Family, ...]:
    """What `ipFamilies` says, or else what the stated addresses are of; they must not contradict each other."""
    of_addresses = tuple(family_of(str(address)) for address in stated_addresses(spec))
    if not spec.ip_families:
        return of_addresses
    if len(set(spec.ip_families)) < len(spec.ip_families):
        raise FamilyError("spec.ipFamilies", "a family is stated twice", "state each once")
    if of_addresses != spec.ip_families[: len(of_addresses)]:
        advice = "state them in the same order, or leave one of the fields out"
        raise FamilyError("spec.ipFamilies", "the families are not those of the stated addresses", advice)
    return spec.ip_families


def _check_count(spec: Service, stated: Sequence[Family]) -> None:
    if len(stated) > 1 and spec.ip_family_policy in ("", "SingleStack"):
        message = "must be RequireDualStack or PreferDualStack where several families are stated"
        raise FamilyError("spec.ipFamilyPolicy", message, "write ipFamilyPolicy: PreferDualStack")


def _stated_texts(spec: Service) -> tuple[str, ...]:
    """What the Service states; `clusterIPs` begins with the same text as `clusterIP` (Kubernetes)."""
    texts = spec.cluster_ips or (spec.cluster_ip,)
    if spec.cluster_ip not in ("", texts[0]):
        raise FamilyError("spec.clusterIPs", f"the first is not {spec.cluster_ip}, the clusterIP", "leave one out")
    return tuple(text for text in texts if text)


def _address(text: str) -> Address:
    try:
        return parse_address(text)
    except ValueError:
        raise FamilyError("spec.clusterIP", f"{text[:80]!r} is no address", "leave the field out") from None
