"""`weft render`: what a proxy would get, from files alone."""

import json
from base64 import b64encode
from pathlib import Path

import pytest
import yaml
from tests.pem import CERTIFICATE, KEY
from tests.unit.apps.controller import Controller
from tests.unit.apps.offline.files import (
    EDGE_POD,
    GATEWAY,
    NAMESPACE,
    SIDECAR,
    WEB,
    names,
    pods,
    rendered,
    run,
    write,
)

from weft.apps.offline.rendering import SECTIONS, as_json
from weft.envoy.resources import ProxyResources
from weft.envoy.type_urls import VHDS

OWN_SECRETS = ["ROOTCA", "default"]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return write(tmp_path / "mesh", NAMESPACE, WEB)


# ---- which proxy -----------------------------------------------------------------------------------------------------
def test_a_deployment_is_expanded_as_a_mesh_would(shop: Path) -> None:
    found = [rendered(shop, pod) for pod in pods(shop)]
    ids = sorted(each["bootstrap"]["node"]["id"] for each in found)
    assert [each[:20] for each in ids] == ["sidecar~10.244.0.10~", "sidecar~10.244.0.11~"]
    assert {each[20:] for each in ids} == {f"{pod[5:]}.shop~shop.svc.cluster.local" for pod in pods(shop)}
    assert all(each["bootstrap"]["node"]["metadata"]["LABELS"]["app"] == "web" for each in found)
    (web,) = found[0]["endpoints"]
    hosts = [each["endpoint"]["address"]["socketAddress"] for each in web["endpoints"][0]["lbEndpoints"]]
    assert hosts == [{"address": f"10.244.0.{number}", "portValue": 8080} for number in (10, 11)]


def test_a_deployment_stands_for_its_first_pod(shop: Path) -> None:
    result = run("render", "-f", shop, "--node", "shop/web")
    (first,) = (pod for pod in pods(shop) if pod[5:] in result.stderr)
    assert json.loads(result.stdout) == rendered(shop, first)


def test_the_controller_has_the_same_for_every_pod_when_all_are_ready(controller: Controller) -> None:
    for number, text in enumerate((NAMESPACE, WEB, GATEWAY, EDGE_POD)):
        controller.write(f"{number}.yaml", text)
    controller.ready()
    pipeline = controller.pipeline
    for record in controller.live():
        workload = pipeline.mesh.inventory.workload(f"Kubernetes//Pod/shop/{record.name}")
        assert workload is not None
        key = pipeline.mesh.key(workload, "edge" if record.injected == "gateway" else "own")
        found = rendered(controller.folder, f"shop/{record.name}", "--gateway-address", "0.0.0.0")
        for type_url in set(ProxyResources.types) & SECTIONS.keys():
            sent, section = pipeline.resources.contents.get((key, type_url)), SECTIONS[type_url]
            sent = pipeline.resources.whole_routes(key) if section == "routes" else sent
            if section == "secrets":
                assert set(names(found, section)) - set(OWN_SECRETS) == set(sent)
            else:
                shown = names(found, section)
                assert found[section] == [as_json(sent[name]) for name in shown]
                assert all(name.startswith("inbound|") for name in set(sent) - set(shown))


def test_a_proxy_that_is_not_in_the_files_is_served_by_its_labels_and_ports(shop: Path, tmp_path: Path) -> None:
    metadata = tmp_path / "node.json"
    metadata.write_text(json.dumps({"POD_PORTS": [{"name": "web-port", "containerPort": 9090}]}))
    found = rendered(shop, SIDECAR, "--labels", "app=web", "--metadata", metadata)
    assert "inbound|9090||" in names(found, "clusters")
    assert len(found["endpoints"][0]["endpoints"][0]["lbEndpoints"]) == 2, "nobody calls it"


def test_a_proxy_without_labels_serves_no_service(shop: Path) -> None:
    found = rendered(shop, SIDECAR)
    assert [each for each in names(found, "clusters") if each.startswith("inbound")] == []
    assert f"outbound|80||web.shop.svc.{'cluster.local'}" in names(found, "clusters")


def test_a_proxy_at_the_address_of_a_pod_is_served_like_that_pod(shop: Path) -> None:
    found = rendered(shop, "sidecar~10.244.0.10~another-name.shop~shop.svc.cluster.local")
    assert "inbound|8080||" in names(found, "clusters")


def test_a_proxy_at_the_address_of_a_workload_entry_is_served_by_its_labels(shop: Path) -> None:
    (shop / "9.yaml").write_text(
        "apiVersion: networking.istio.io/v1\nkind: WorkloadEntry\nmetadata: {name: vm, namespace: shop}\n"
        "spec: {address: 10.1.1.1, labels: {app: vm}}\n---\n"
        "apiVersion: v1\nkind: Service\nmetadata: {name: vm, namespace: shop}\n"
        "spec: {selector: {app: vm}, ports: [{name: http, port: 80, targetPort: 9191}]}\n"
    )
    assert "inbound|9191||" in names(rendered(shop, SIDECAR), "clusters")
    assert "inbound|9191||" not in names(rendered(shop, SIDECAR.replace("10.1.1.1", "10.1.1.2")), "clusters")


def test_the_id_of_a_pod_in_the_files_means_that_pod(shop: Path) -> None:
    pod = pods(shop)[0]
    by_name = rendered(shop, pod)
    assert rendered(shop, by_name["bootstrap"]["node"]["id"]) == by_name


def test_a_router_gets_the_gateways_that_select_its_labels(tmp_path: Path) -> None:
    folder = write(tmp_path / "mesh", NAMESPACE, WEB, GATEWAY)
    router = "router~10.1.1.1~edge.shop~shop.svc.cluster.local"
    assert names(rendered(folder, router, "--labels", "istio=edge"), "listeners") == ["0.0.0.0_8443"]
    assert names(rendered(folder, router, "--labels", "istio=other"), "listeners") == []


def test_a_gateway_of_the_files_listens_as_weft_up_says(tmp_path: Path) -> None:
    folder = write(tmp_path / "mesh", NAMESPACE, GATEWAY, EDGE_POD)
    (listener,) = rendered(folder, "shop/edge")["listeners"]
    assert listener["address"]["socketAddress"]["address"] == "127.0.0.1"


def test_a_waypoint_gets_clusters_and_a_note(shop: Path) -> None:
    result = run("render", "-f", shop, "--node", SIDECAR.replace("sidecar", "waypoint"))
    found = json.loads(result.stdout)
    assert "no waypoints yet" in result.stderr
    assert found["clusters"]
    assert found["listeners"] == found["routes"] == []
    assert found["bootstrap"]["node"]["id"].startswith("waypoint~10.1.1.1~")


def test_metadata_says_who_and_where_the_proxy_is(shop: Path, tmp_path: Path) -> None:
    metadata = tmp_path / "node.yaml"
    metadata.write_text("{LABELS: {app: web}, SERVICE_ACCOUNT: guest, NETWORK: west, LOCALITY: eu/a, HTTP10: '1'}")
    result = run("render", "-f", shop, "--node", SIDECAR, "--metadata", metadata)
    node = json.loads(result.stdout)["bootstrap"]["node"]
    assert node["locality"] == {"region": "eu", "zone": "a"}
    assert node["metadata"]["NETWORK"] == "west"
    assert node["metadata"]["SERVICE_ACCOUNT"] == "guest"
    assert "HTTP10" in result.stderr


@pytest.mark.parametrize("text", ["{DNS_CAPTURE: 'true'}", "{metadata: {DNS_CAPTURE: true}}"])
def test_metadata_turns_dns_capture_on(shop: Path, tmp_path: Path, text: str) -> None:
    metadata = tmp_path / "node.yaml"
    metadata.write_text(text)
    assert not any("dns" in name for name in names(rendered(shop, SIDECAR), "listeners"))
    assert any("dns" in name for name in names(rendered(shop, SIDECAR, "--metadata", metadata), "listeners"))


def test_metadata_says_how_traffic_gets_to_a_sidecar(shop: Path, tmp_path: Path) -> None:
    metadata = tmp_path / "node.json"
    metadata.write_text('{"INTERCEPTION_MODE": "TPROXY"}')
    found = rendered(shop, SIDECAR, "--metadata", metadata)
    assert [each.get("transparent") for each in found["listeners"] if each["name"] == "virtualInbound"] == [True]


def test_on_loopback_proxies_have_addresses_of_their_own(shop: Path) -> None:
    found = rendered(shop, "shop/web", "--isolation", "loopback")
    assert {each["address"]["socketAddress"]["address"][:8] for each in found["listeners"]} == {"127.245."}


def test_on_loopback_there_is_no_ipv6(shop: Path) -> None:
    options = ("--isolation", "loopback", "--ip-families", "IPv6")
    assert "IPv4 only" in run("render", "-f", shop, "--node", "shop/web", *options, code=2).stderr


def test_pods_have_addresses_of_the_families_that_are_asked_for(shop: Path) -> None:
    found = rendered(shop, "shop/web", "--ip-families", "IPv6")
    assert found["bootstrap"]["node"]["id"].startswith("sidecar~fd00:10:244::a~")


def test_an_envoy_of_an_ordinary_user_marks_what_it_sends(shop: Path) -> None:
    def marked(*options: str) -> bool:
        return "socketOptions" in json.dumps(
            rendered(shop, "shop/web", *options)["bootstrap"].get("clusterManager", {})
        )

    assert marked("--isolation", "userns")
    assert not marked()


# ---- what is refused -------------------------------------------------------------------------------------------------
def test_a_pod_that_is_not_there_is_told_with_near_ones(shop: Path) -> None:
    result = run("render", "-f", shop, "--node", "shop/we", code=1)
    assert "there is no pod shop/we" in result.stderr
    assert "there are shop/web-" in result.stderr
    assert result.stdout == ""


def test_a_pod_without_a_proxy_is_told_apart(tmp_path: Path) -> None:
    folder = write(tmp_path / "mesh", EDGE_POD.replace("inject.istio.io/templates: gateway", ""))
    assert "has no proxy" in run("render", "-f", folder, "--node", "shop/edge", code=1).stderr


@pytest.mark.parametrize("node", ["sidecar~1~2", "a/b/c", "shop/", "ztunnel~10.1.1.1~z.shop~x"])
def test_what_names_no_envoy_is_refused(shop: Path, node: str) -> None:
    code = 1 if node.startswith("ztunnel") else 2
    assert "error: " in run("render", "-f", shop, "--node", node, code=code).stderr


@pytest.mark.parametrize("labels", ["app", "=web", "a=b,c"])
def test_labels_of_another_form_are_refused(shop: Path, labels: str) -> None:
    assert "is no label" in run("render", "-f", shop, "--node", SIDECAR, "--labels", labels, code=2).stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [("{LABELS: 7}", "node.yaml:1:2: LABELS"), ("a: b: c", "node.yaml:1"), ("a: 1\n---\nb: 2", "2 documents")],
)
def test_metadata_that_can_not_be_read_is_told_with_its_line(shop: Path, tmp_path: Path, text: str, said: str) -> None:
    metadata = tmp_path / "node.yaml"
    metadata.write_text(text)
    assert said in run("render", "-f", shop, "--node", SIDECAR, "--metadata", metadata, code=1).stderr


def test_a_file_that_is_not_there_is_a_misuse(tmp_path: Path) -> None:
    assert "no file or folder" in run("render", "-f", tmp_path / "gone", "--node", SIDECAR, code=2).stderr


def test_bad_objects_are_told_and_the_rest_is_rendered(shop: Path) -> None:
    bad = "kind: Service\napiVersion: v1\nmetadata: {name: bad, namespace: shop}\nspec: {ports: [{port: none}]}\n"
    unknown = "---\nkind: Widget\napiVersion: example.com/v1\nmetadata: {name: w}\n"
    (shop / "9.yaml").write_text(bad + unknown + "---\n: [\n")
    result = run("render", "-f", shop, "--node", SIDECAR)
    assert f"{shop}/9.yaml:4" in result.stderr
    assert "Widget" in result.stderr
    assert names(json.loads(result.stdout), "clusters").count("outbound|80||web.shop.svc.cluster.local") == 1


def test_every_type_of_resource_has_a_section() -> None:
    """Virtual hosts stand in their routes."""
    assert set(ProxyResources.types) == {*SECTIONS, VHDS}


# ---- how it is written -----------------------------------------------------------------------------------------------
def test_sections_are_there_and_sorted_by_name_and_bytes_are_the_same_each_time(tmp_path: Path) -> None:
    folder = write(tmp_path / "mesh", NAMESPACE, WEB, WEB.replace("web", "api"), GATEWAY)
    command = ("render", "-f", folder, "--node", SIDECAR)
    first, second = run(*command).stdout, run(*command).stdout
    assert first == second
    document = json.loads(first)
    assert list(document) == ["bootstrap", "listeners", "clusters", "routes", "endpoints", "secrets"]
    for section in list(document)[1:]:
        assert names(document, section) == sorted(names(document, section))
    assert yaml.safe_load(run(*command, "-o", "yaml").stdout) == document


def test_routes_hold_their_virtual_hosts(shop: Path) -> None:
    found = rendered(shop, SIDECAR)
    (outbound,) = (each for each in found["routes"] if each["name"] == "80")
    assert "web.shop.svc.cluster.local:80" in [host["name"] for host in outbound["virtualHosts"]]


def test_keys_of_secrets_are_redacted_and_certificates_are_not(tmp_path: Path) -> None:
    folder = write(tmp_path / "mesh", NAMESPACE, WEB, GATEWAY, EDGE_POD)
    text = run("render", "-f", folder, "--node", "shop/edge").stdout
    (secret,) = (each for each in json.loads(text)["secrets"] if each["name"] not in OWN_SECRETS)
    assert secret["tlsCertificate"]["privateKey"] == {"inlineBytes": "W3JlZGFjdGVkXQ=="}
    assert secret["tlsCertificate"]["certificateChain"] == {"inlineBytes": in_json(CERTIFICATE)}
    assert in_json(KEY) not in text
    assert KEY.splitlines()[1] not in text


def in_json(text: str) -> str:
    """Bytes as proto3 JSON has them."""
    return b64encode(text.encode()).decode()


def test_the_proxys_own_secrets_are_named(shop: Path) -> None:
    assert names(rendered(shop, pods(shop)[0]), "secrets") == OWN_SECRETS


# ---- what a cluster decided ------------------------------------------------------------------------------------------
def test_a_dump_of_a_cluster_keeps_addresses_and_names(tmp_path: Path) -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "web-5f4d-abcde",
            "namespace": "shop",
            "uid": "1-2-3",
            "labels": {"app": "web", "pod-template-hash": "5f4d"},
            "annotations": {"sidecar.istio.io/status": "{}"},
            "ownerReferences": [{"kind": "ReplicaSet", "name": "web-5f4d"}],
        },
        "spec": {"containers": [{"name": "app", "ports": [{"name": "web-port", "containerPort": 8080}]}]},
        "status": {
            "phase": "Running",
            "podIP": "10.244.0.77",
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }
    deployment, service = yaml.safe_load_all(WEB)
    service["spec"]["clusterIP"] = "10.0.7.7"
    items = [yaml.safe_load(NAMESPACE), deployment, service, pod]
    folder = write(tmp_path / "mesh", yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": items}))
    assert pods(folder) == ["shop/web-5f4d-abcde"]
    found = rendered(folder, "shop/web-5f4d-abcde")
    assert found["bootstrap"]["node"]["id"].startswith("sidecar~10.244.0.77~web-5f4d-abcde.shop~")
    (web,) = found["endpoints"]
    (endpoint,) = web["endpoints"][0]["lbEndpoints"]
    assert endpoint["endpoint"]["address"]["socketAddress"]["address"] == "10.244.0.77"
    (outbound,) = (each for each in found["routes"] if each["name"] == "80")
    assert "10.0.7.7" in json.dumps(outbound)


def test_new_pods_get_no_address_that_a_pod_of_the_dump_has(tmp_path: Path) -> None:
    made = EDGE_POD + "status: {podIP: 10.244.0.10}\n"
    folder = write(tmp_path / "mesh", NAMESPACE, WEB, made)
    (pod, _, *_) = (name for name in pods(folder) if "web" in name)
    assert rendered(folder, pod)["bootstrap"]["node"]["id"].startswith("sidecar~10.245.0.1")


def test_slices_count_where_no_pod_of_a_service_is_there(tmp_path: Path) -> None:
    service = WEB.partition("---")[2]
    slices = """
    apiVersion: discovery.k8s.io/v1
    kind: EndpointSlice
    metadata: {name: web-1, namespace: shop, labels: {kubernetes.io/service-name: web}}
    addressType: IPv4
    endpoints: [{addresses: [10.9.9.9]}]
    ports: [{name: http, port: 8080}]
    """
    folder = write(tmp_path / "mesh", NAMESPACE, service, slices)
    assert "10.9.9.9" in json.dumps(rendered(folder, SIDECAR)["endpoints"])
    write(folder, NAMESPACE, WEB, slices)
    assert "10.9.9.9" not in json.dumps(rendered(folder, SIDECAR)["endpoints"])


# ---- settings of the mesh --------------------------------------------------------------------------------------------
def test_the_meshs_own_settings_and_networks_count(shop: Path) -> None:
    (shop / "9.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\ndata:\n"
        "  mesh: 'outboundTrafficPolicy: {mode: REGISTRY_ONLY}'\n"
        "  meshNetworks: 'networks: {west: {endpoints: [{fromRegistry: Kubernetes}]}}'\n"
    )
    found = rendered(shop, pods(shop)[0])
    assert found["bootstrap"]["node"]["metadata"]["NETWORK"] == "west"
    (outbound,) = (each for each in found["listeners"] if each["name"] == "virtualOutbound")
    assert "BlackHoleCluster" in json.dumps(outbound)
