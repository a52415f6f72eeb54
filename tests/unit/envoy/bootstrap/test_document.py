"""The bootstrap as text; tests/e2e/envoy/test_bootstrap.py starts Envoy with it."""

import json
from typing import Any

import pytest
from msgspec.structs import replace
from tests.golden.envoy.views import BOOTSTRAP

from weft.envoy.bootstrap.control_plane import roots_secret, token_secret
from weft.envoy.bootstrap.document import LONGEST_ARGUMENT, bootstrap_text
from weft.envoy.bootstrap.settings import BootstrapSettings


def _document(settings: BootstrapSettings = BOOTSTRAP) -> Any:
    return json.loads(bootstrap_text(settings))


def _cluster(document: Any, name: str) -> Any:
    return next(each for each in document["staticResources"]["clusters"] if each["name"] == name)


def test_it_fits_one_argument() -> None:
    assert len(bootstrap_text(BOOTSTRAP).encode()) < LONGEST_ARGUMENT / 10


def test_equal_settings_give_equal_text() -> None:
    assert bootstrap_text(BOOTSTRAP) == bootstrap_text(replace(BOOTSTRAP))


def test_the_node_is_known_by_istios_keys() -> None:
    node = _document()["node"]
    assert node["id"] == "sidecar~10.244.0.7~reviews-v1-1.default~default.svc.cluster.local"
    assert node["locality"] == {"region": "eu", "zone": "a"}
    assert node["metadata"] == {
        "NAME": "reviews-v1-1",
        "NAMESPACE": "default",
        "SERVICE_ACCOUNT": "reviews",
        "INSTANCE_IPS": "10.244.0.7",
        "LABELS": {"app": "reviews", "version": "v1"},
        "WORKLOAD_NAME": "reviews-v1",
        "NODE_NAME": "node-1",
        "MESH_ID": "cluster.local",
        "CLUSTER_ID": "Kubernetes",
        "INTERCEPTION_MODE": "REDIRECT",
        "WEFT_VERSION": "0.1.0",
    }


def test_readiness_waits_for_configuration_however_long_that_takes() -> None:
    resources = _document()["dynamicResources"]
    for kind in ("cdsConfig", "ldsConfig"):
        assert resources[kind]["initialFetchTimeout"] == "0s"


def test_the_stream_finds_back_within_five_seconds() -> None:
    (service,) = _document()["dynamicResources"]["adsConfig"]["grpcServices"]
    assert service["envoyGrpc"]["retryPolicy"]["retryBackOff"]["maxInterval"] == "5s"


@pytest.mark.parametrize(("address", "static"), [("10.244.0.1", True), ("fd00::1", True), ("controller.svc", False)])
def test_the_control_plane_is_an_address_or_a_name(address: str, static: bool) -> None:
    settings = replace(BOOTSTRAP, control_plane=replace(BOOTSTRAP.control_plane, address=address))
    cluster = _cluster(_document(settings), "xds-grpc")
    assert (cluster.get("type") == "STATIC") is static
    assert ("clusterType" in cluster) is not static


def test_there_is_no_way_to_the_control_plane_without_tls_and_its_name() -> None:
    cluster = _cluster(_document(), "xds-grpc")
    context = cluster["transportSocket"]["typedConfig"]["commonTlsContext"]["combinedValidationContext"]
    (name,) = context["defaultValidationContext"]["matchTypedSubjectAltNames"]
    assert name == {"sanType": "DNS", "matcher": {"exact": "controller.weft-system.svc"}}


def test_sockets_carry_a_mark_only_where_redirects_need_it() -> None:
    (option,) = _document()["clusterManager"]["upstreamBindConfig"]["socketOptions"]
    assert (option["level"], option["name"], option["intValue"]) == ("1", "36", "1337")
    assert "clusterManager" not in _document(replace(BOOTSTRAP, mark=None))


def test_the_admin_interface_is_a_socket_of_the_proxys_user() -> None:
    assert _document()["admin"] == {"address": {"pipe": {"path": "/run/weft/admin.sock", "mode": 0o600}}}


def test_ports_are_istios_and_15020_is_left_free() -> None:
    addresses = [each["address"]["socketAddress"] for each in _document()["staticResources"]["listeners"]]
    assert [(each["address"], each["portValue"]) for each in addresses] == [
        ("127.0.0.1", 15000),
        ("0.0.0.0", 15021),
        ("0.0.0.0", 15090),
    ]


def test_files_with_secrets_name_files_and_hold_none() -> None:
    (token,) = json.loads(token_secret("/run/token"))["resources"]
    assert (token["name"], token["genericSecret"]) == ("token", {"secret": {"filename": "/run/token"}})
    (roots,) = json.loads(roots_secret("/run/roots.pem", "/run"))["resources"]
    assert roots["validationContext"] == {
        "trustedCa": {"filename": "/run/roots.pem"},
        "watchedDirectory": {"path": "/run"},
    }


def test_its_own_listeners_are_at_all_addresses_that_they_are_given() -> None:
    settings = replace(BOOTSTRAP, listen=("0.0.0.0", "::"), admin_listen=("127.0.0.1", "::1"))
    found = {each["name"]: each for each in _document(settings)["staticResources"]["listeners"]}
    more = {name: each["additionalAddresses"][0]["address"]["socketAddress"] for name, each in found.items()}
    assert {name: (each["address"], each["portValue"]) for name, each in more.items()} == {
        "admin": ("::1", 15000),
        "readiness": ("::", 15021),
        "metrics": ("::", 15090),
    }


def test_all_addresses_of_the_pod_are_told() -> None:
    settings = replace(BOOTSTRAP, node=replace(BOOTSTRAP.node, address="fd00::7", also=("10.244.0.7",)))
    node = _document(settings)["node"]
    assert node["id"].startswith("sidecar~fd00::7~")
    assert node["metadata"]["INSTANCE_IPS"] == "fd00::7,10.244.0.7"
