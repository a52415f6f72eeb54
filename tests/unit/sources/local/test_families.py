"""Of which families Services get addresses: what an API server does (core/v1 ServiceSpec)."""

import pytest

from weft.base.families import Family
from weft.model.kubernetes import Service
from weft.sources.local.families import FamilyError, service_families, stated_addresses

DUAL: tuple[Family, ...] = ("IPv4", "IPv6")
FOUR: tuple[Family, ...] = ("IPv4",)
SIX_FIRST: tuple[Family, ...] = ("IPv6", "IPv4")
SELECTOR = {"app": "web"}


def spec(**fields: object) -> Service:
    return Service(**({"selector": SELECTOR} | fields))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("service", "mesh", "families"),
    [
        (spec(), FOUR, FOUR),
        (spec(), DUAL, ("IPv4",)),
        (spec(), SIX_FIRST, ("IPv6",)),
        (spec(ip_family_policy="SingleStack", ip_families=("IPv6",)), DUAL, ("IPv6",)),
        (spec(ip_family_policy="PreferDualStack"), FOUR, FOUR),
        (spec(ip_family_policy="PreferDualStack"), DUAL, DUAL),
        (spec(ip_family_policy="PreferDualStack"), SIX_FIRST, SIX_FIRST),
        (spec(ip_family_policy="PreferDualStack", ip_families=("IPv6",)), DUAL, SIX_FIRST),
        (spec(ip_family_policy="RequireDualStack"), DUAL, DUAL),
        (spec(ip_family_policy="RequireDualStack", ip_families=("IPv6", "IPv4")), DUAL, SIX_FIRST),
        (spec(cluster_ip="fd00:10:96::7"), DUAL, ("IPv6",)),
        (spec(cluster_ips=("10.96.0.7",), ip_family_policy="PreferDualStack"), DUAL, DUAL),
        (spec(cluster_ips=("fd00:10:96::7", "10.96.0.7"), ip_family_policy="RequireDualStack"), DUAL, SIX_FIRST),
        (spec(cluster_ip="None"), DUAL, ("IPv4",)),
        (spec(cluster_ip="None", ip_family_policy="PreferDualStack"), DUAL, DUAL),
        (spec(cluster_ip="None", selector={}), DUAL, DUAL),
        (spec(cluster_ip="None", selector={}), FOUR, FOUR),
        (spec(cluster_ip="None", selector={}, ip_families=("IPv6",)), DUAL, ("IPv6",)),
    ],
)
def test_families_follow_from_policy_families_and_addresses(
    service: Service, mesh: tuple[Family, ...], families: tuple[Family, ...]
) -> None:
    assert service_families(service, mesh) == families


@pytest.mark.parametrize(
    ("service", "mesh", "path", "message"),
    [
        (spec(ip_families=("IPv6",)), FOUR, "spec.ipFamilies", "IPv6 is not configured in this mesh"),
        (spec(cluster_ip="fd00::7"), FOUR, "spec.ipFamilies", "IPv6 is not configured in this mesh"),
        (spec(ip_family_policy="RequireDualStack"), FOUR, "spec.ipFamilyPolicy", "not configured for dual-stack"),
        (spec(ip_families=("IPv4", "IPv6")), DUAL, "spec.ipFamilyPolicy", "must be RequireDualStack or Prefer"),
        (spec(cluster_ips=("10.96.0.7", "fd00::7")), DUAL, "spec.ipFamilyPolicy", "must be RequireDualStack or Prefer"),
        (spec(ip_families=("IPv4", "IPv4")), DUAL, "spec.ipFamilies", "stated twice"),
        (spec(cluster_ip="10.96.0.7", ip_families=("IPv6",)), DUAL, "spec.ipFamilies", "not those of the stated"),
        (spec(cluster_ip="10.96.0.7", cluster_ips=("10.96.0.8",)), DUAL, "spec.clusterIPs", "not 10.96.0.7"),
        (spec(cluster_ips=("10.96.0.7", "10.96.0.8")), DUAL, "spec.clusterIPs", "more than one address of a family"),
        (spec(cluster_ip="nowhere"), DUAL, "spec.clusterIP", "'nowhere' is no address"),
        (spec(cluster_ip="fd00::7%lo"), DUAL, "spec.clusterIP", "is no address"),
    ],
)
def test_what_an_api_server_refuses_is_refused_with_the_field(
    service: Service, mesh: tuple[Family, ...], path: str, message: str
) -> None:
    with pytest.raises(FamilyError, match=message) as caught:
        service_families(service, mesh)
    assert caught.value.path == path
    assert caught.value.advice


def test_a_headless_service_states_no_address() -> None:
    assert stated_addresses(spec(cluster_ip="None")) == ()
    assert stated_addresses(spec(cluster_ips=("None",))) == ()
