"""What is built of representative views, word for word, and that a real Envoy accepts all of it.

After an intended change look at the difference of the files that `--update-golden` writes.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf.message import Message
from tests.e2e.envoy.certificates import Authority
from tests.golden.envoy import views
from tests.golden.real_envoy import refusal, secrets
from tests.golden.static import inline_routes, static_bootstrap

from weft.base import protobuf
from weft.envoy.bootstrap.control_plane import roots_secret, token_secret
from weft.envoy.bootstrap.document import bootstrap
from weft.envoy.cluster import CLUSTER, cluster
from weft.envoy.endpoints import LOAD_ASSIGNMENT, cluster_load_assignment
from weft.envoy.inbound_routes import inbound_route_configuration
from weft.envoy.listener.chains import LISTENER
from weft.envoy.listener.dns import dns_listener, dns_stream_listener, resolvers_cluster
from weft.envoy.listener.gateway import gateway_listener
from weft.envoy.listener.inbound import inbound_listener
from weft.envoy.listener.outbound import outbound_listener, virtual_outbound
from weft.envoy.listener.uncaptured import bound_listener, bound_ports, http_proxy_listener
from weft.envoy.names import local_domains
from weft.envoy.rbac.http import route_access
from weft.envoy.route_configuration import ROUTE_CONFIGURATION, route_configuration
from weft.envoy.special_clusters import blackhole_cluster, inbound_cluster, passthrough_cluster, resolving_cluster
from weft.ir.view import Endpoints

BOOTSTRAP = "envoy.config.bootstrap.v3.Bootstrap"
FILES = Path(__file__).parent / "files"
SETTINGS = views.SETTINGS
CREDENTIALS = [
    (f"kubernetes://default/{name}{suffix}", bool(suffix)) for name in ("client", "shop") for suffix in ("", "-cacert")
]


def _served() -> tuple[Any, ...]:
    return (*views.INBOUND.ports, views.INBOUND.other)


def _clusters() -> Iterable[Message]:
    yield from (cluster(each, SETTINGS) for each in views.CLUSTERS)
    yield from (passthrough_cluster(SETTINGS), blackhole_cluster())


def _gateway_routes() -> Iterable[Message]:
    access = route_access(views.AUTHORIZATIONS[1:], local_domains(SETTINGS))
    return (route_configuration(each, access) for each in views.GATEWAY_TABLES)


def _uncaptured_listeners() -> Iterable[Message]:
    yield from (bound_listener(each, SETTINGS) for each in bound_ports(views.UNCAPTURED))
    yield http_proxy_listener(views.UNCAPTURED.address, SETTINGS)


def _uncaptured_clusters() -> Iterable[Message]:
    yield from (inbound_cluster(each, SETTINGS) for each in views.UNCAPTURED.ports)
    yield resolving_cluster(SETTINGS)


def _uncaptured_routes() -> Iterable[Message]:
    yield from (inbound_route_configuration(each, SETTINGS) for each in views.UNCAPTURED.ports)
    yield route_configuration(views.PROXY_TABLE)


def _names_listeners() -> Iterable[Message]:
    yield outbound_listener(views.MEMBER, SETTINGS)
    yield dns_listener(views.HOSTS, SETTINGS)
    yield dns_stream_listener(views.HOSTS, SETTINGS)


GROUPS: Mapping[str, tuple[str, Callable[[], Iterable[Message]]]] = {
    "clusters": (CLUSTER, _clusters),
    "endpoints": (LOAD_ASSIGNMENT, lambda: map(cluster_load_assignment, views.ENDPOINTS)),
    "routes": (ROUTE_CONFIGURATION, lambda: map(route_configuration, views.TABLES)),
    "outbound-listeners": (LISTENER, lambda: (outbound_listener(each, SETTINGS) for each in views.OUTBOUND)),
    "virtual-outbound": (LISTENER, lambda: [virtual_outbound("allow", SETTINGS)]),
    "names-listeners": (LISTENER, _names_listeners),
    "names-clusters": (
        CLUSTER,
        lambda: (cluster(views.ADDRESSED, SETTINGS), resolvers_cluster(views.HOSTS, SETTINGS)),
    ),
    "names-endpoints": (LOAD_ASSIGNMENT, lambda: [cluster_load_assignment(views.MEMBERS)]),
    "names-routes": (ROUTE_CONFIGURATION, lambda: [route_configuration(views.MEMBER_TABLE)]),
    "inbound-listener": (LISTENER, lambda: [inbound_listener(views.INBOUND, SETTINGS)]),
    "inbound-clusters": (CLUSTER, lambda: (inbound_cluster(each, SETTINGS) for each in _served())),
    "inbound-routes": (
        ROUTE_CONFIGURATION,
        lambda: (inbound_route_configuration(each, SETTINGS) for each in _served()),
    ),
    "gateway-listeners": (LISTENER, lambda: (gateway_listener(each, SETTINGS) for each in views.GATEWAYS)),
    "gateway-routes": (ROUTE_CONFIGURATION, _gateway_routes),
    "uncaptured-listeners": (LISTENER, _uncaptured_listeners),
    "uncaptured-clusters": (CLUSTER, _uncaptured_clusters),
    "uncaptured-routes": (ROUTE_CONFIGURATION, _uncaptured_routes),
    "bootstrap": (BOOTSTRAP, lambda: [bootstrap(views.BOOTSTRAP)]),
    "uncaptured-bootstrap": (BOOTSTRAP, lambda: [bootstrap(views.UNCAPTURED_BOOTSTRAP)]),
}
BOOTSTRAPS = [group for group, (full_name, _) in GROUPS.items() if full_name == BOOTSTRAP]


@pytest.mark.parametrize("group", GROUPS)
def test_what_is_built(group: str, update_golden: bool) -> None:
    built = json.loads(json.dumps([protobuf.to_dict(message) for message in GROUPS[group][1]()]))  # plain types only
    path = FILES / f"{group}.yaml"
    if update_golden:
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml.safe_dump(built, width=120))
    assert yaml.safe_load(path.read_text()) == built


def test_a_real_envoy_accepts_every_resource(tmp_path: Path) -> None:
    """All in one configuration, to start Envoy once."""
    resources = {group: _stored(group) for group in GROUPS if group not in BOOTSTRAPS}
    routes = [route for group in resources if group.endswith("routes") for route in resources[group]]
    listeners = [each for group in resources if "listener" in group or "virtual" in group for each in resources[group]]
    document = static_bootstrap(
        tmp_path,
        listeners=[inline_routes(each, routes) for each in listeners],
        clusters=[cluster for group in resources if group.endswith("clusters") for cluster in resources[group]],
        endpoints=[*_without_endpoints(), *resources["endpoints"], *resources["names-endpoints"]],
        secrets=secrets(tmp_path, CREDENTIALS),
    )
    document["layered_runtime"] = protobuf.to_dict(_stored("bootstrap")[0])["layeredRuntime"]
    assert refusal(tmp_path, document) is None


@pytest.mark.parametrize("group", BOOTSTRAPS)
def test_a_real_envoy_accepts_the_bootstrap(group: str, tmp_path: Path) -> None:
    document = protobuf.to_dict(_stored(group)[0])
    text = json.dumps(document).replace("/var/run/weft", str(tmp_path))
    (tmp_path / "token.json").write_text(token_secret(str(tmp_path / "token")))
    (tmp_path / "token").write_text("token")
    (tmp_path / "roots.json").write_text(roots_secret(str(Authority(tmp_path, "roots").path), str(tmp_path)))
    assert refusal(tmp_path, json.loads(text)) is None


def test_a_configuration_that_envoy_refuses_is_noticed(tmp_path: Path) -> None:
    document = static_bootstrap(tmp_path)
    document["static_resources"]["clusters"] = [{"name": ""}]
    assert refusal(tmp_path, document) is not None


def _without_endpoints() -> Iterable[Message]:
    """Every discovered cluster needs its file, if only an empty one."""
    discovered = [each for each in views.CLUSTERS if each.discovery == "endpoints"]
    return (cluster_load_assignment(Endpoints(each.name, ())) for each in discovered)


def _stored(group: str) -> list[Message]:
    documents = yaml.safe_load((FILES / f"{group}.yaml").read_text())
    return [protobuf.from_dict(GROUPS[group][0], document) for document in documents]
