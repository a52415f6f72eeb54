"""The demo's YAML: every name in it leads to something, in the files applied from the start and in those to try."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.unit.examples.bookshop.running import FOLDER

Object = dict[str, Any]
STANDALONE = {"05-mesh.yaml", "weft.yaml"}
APPLIED = sorted(path for path in FOLDER.glob("*.yaml") if path.name not in STANDALONE)
EXTRA = sorted((FOLDER / "more").glob("*.yaml"))
KNOWN_KINDS = {
    *(("v1", "Namespace"), ("v1", "ServiceAccount"), ("v1", "Service"), ("apps/v1", "Deployment")),
    *(("networking.istio.io/v1", kind) for kind in ("Gateway", "VirtualService", "DestinationRule", "Sidecar")),
    *(("security.istio.io/v1", kind) for kind in ("PeerAuthentication", "AuthorizationPolicy")),
}


@cache
def load_file(path: Path) -> tuple[Object, ...]:
    return tuple(yaml.safe_load_all(path.read_text()))


def load(paths: list[Path]) -> list[Object]:
    return [item for path in paths for item in load_file(path)]


class Cluster:
    """All objects of one state of the mesh, and questions about them."""

    def __init__(self, objects: list[Object]) -> None:
        self.objects = objects

    def all(self, kind: str, namespace: str | None = None) -> list[Object]:
        found = [item for item in self.objects if item["kind"] == kind]
        return [item for item in found if namespace in (None, item["metadata"].get("namespace"))]

    def names(self, kind: str, namespace: str | None = None) -> set[str]:
        return {item["metadata"]["name"] for item in self.all(kind, namespace)}

    def pods(self, labels: dict[str, str], namespace: str | None = None) -> list[Object]:
        """Templates of the pods that have all these labels."""
        templates = [item["spec"]["template"] for item in self.all("Deployment", namespace)]
        return [pod for pod in templates if labels.items() <= pod["metadata"]["labels"].items()]

    def service(self, name: str, namespace: str) -> Object:
        return next(item for item in self.all("Service", namespace) if item["metadata"]["name"] == name)


def with_extra(path: Path) -> Cluster:
    """The mesh after one file to try was applied: its objects replace those of the same kind and name."""
    extra = load([path])
    replaced = {key(item) for item in extra}
    return Cluster([item for item in load(APPLIED) if key(item) not in replaced] + extra)


def key(item: Object) -> tuple[str, str, str]:
    return item["kind"], item["metadata"].get("namespace", ""), item["metadata"]["name"]


@pytest.fixture(params=[None, *EXTRA], ids=lambda path: path.name if path else "from the start")
def cluster(request: pytest.FixtureRequest) -> Cluster:
    return with_extra(request.param) if request.param else Cluster(load(APPLIED))


def containers(pod: Object) -> Iterator[Object]:
    yield from pod["spec"]["containers"]


def ports(pods: list[Object]) -> set[int | str]:
    """Numbers and names of the pods' container ports."""
    declared = [port for pod in pods for container in containers(pod) for port in container.get("ports", [])]
    return {port["name"] for port in declared} | {port["containerPort"] for port in declared}


def test_there_are_files_of_both_sorts() -> None:
    assert len(APPLIED) == 6
    assert len(EXTRA) == 6


def test_objects_are_of_known_kinds_and_named_once(cluster: Cluster) -> None:
    assert {(item["apiVersion"], item["kind"]) for item in cluster.objects} <= KNOWN_KINDS
    names = [key(item) for item in cluster.objects]
    assert len(names) == len(set(names))


def test_namespaces_exist(cluster: Cluster) -> None:
    used = {item["metadata"]["namespace"] for item in cluster.objects if item["kind"] != "Namespace"}
    assert used == cluster.names("Namespace")


def test_deployments_select_their_own_pods_and_use_an_account_of_their_namespace(cluster: Cluster) -> None:
    for item in cluster.all("Deployment"):
        namespace, spec = item["metadata"]["namespace"], item["spec"]
        assert cluster.pods(spec["selector"]["matchLabels"], namespace) == [spec["template"]]
        assert spec["template"]["spec"]["serviceAccountName"] in cluster.names("ServiceAccount", namespace)


def test_services_lead_to_ports_of_pods(cluster: Cluster) -> None:
    for item in cluster.all("Service"):
        pods = cluster.pods(item["spec"]["selector"], item["metadata"]["namespace"])
        assert pods
        assert {port["targetPort"] for port in item["spec"]["ports"]} <= ports(pods)


def test_probes_use_declared_ports(cluster: Cluster) -> None:
    for item in cluster.all("Deployment", "bookshop"):
        pod = item["spec"]["template"]
        for container in containers(pod):
            probe = container["readinessProbe"]
            check = probe.get("httpGet") or probe["tcpSocket"]
            assert check["port"] in ports([pod])
            assert check.get("path", "/healthz") == "/healthz"


def test_commands_are_modules_in_the_folder_of_their_image(cluster: Cluster) -> None:
    images: dict[str, str] = yaml.safe_load((FOLDER / "weft.yaml").read_text())["spec"]["images"]
    for item in cluster.all("Deployment"):
        for container in containers(item["spec"]["template"]):
            if container["image"] == "auto":
                continue
            folders = [
                FOLDER / folder for pattern, folder in images.items() if fnmatchcase(container["image"], pattern)
            ]
            interpreter, option, module = container["command"]
            assert (interpreter, option) == ("python3", "-m")
            assert [(folder / module.replace(".", "/")).with_suffix(".py").is_file() for folder in folders] == [True]
            assert find_spec(f"weft.examples.bookshop.{module}")


def test_selectors_of_policies_match_pods(cluster: Cluster) -> None:
    for kind in ("PeerAuthentication", "AuthorizationPolicy"):
        for item in cluster.all(kind):
            labels = item["spec"].get("selector", {}).get("matchLabels", {})
            assert cluster.pods(labels, item["metadata"]["namespace"])


def sources(policy: Object) -> Iterator[Object]:
    for rule in policy["spec"].get("rules", []):
        for source in rule.get("from", []):
            yield source["source"]


def test_sources_of_policies_exist(cluster: Cluster) -> None:
    for policy in cluster.all("AuthorizationPolicy"):
        for source in sources(policy):
            assert set(source.get("namespaces", [])) <= cluster.names("Namespace")
            for principal in source.get("principals", []):
                domain, _, namespace, _, account = principal.split("/")
                assert domain == "cluster.local"
                assert account in cluster.names("ServiceAccount", namespace)


def test_ports_of_policies_are_ports_of_the_pods_they_select(cluster: Cluster) -> None:
    for policy in cluster.all("AuthorizationPolicy"):
        for rule in policy["spec"].get("rules", []):
            for operation in (to["operation"] for to in rule.get("to", [])):
                pods = cluster.pods(policy["spec"]["selector"]["matchLabels"], policy["metadata"]["namespace"])
                assert {int(port) for port in operation.get("ports", [])} <= ports(pods)


def destinations(service: Object) -> Iterator[Object]:
    for rule in service["spec"]["http"]:
        yield from (target["destination"] for target in [*rule["route"], *rule.get("mirrors", [])])


def test_destinations_exist_with_their_ports_and_subsets(cluster: Cluster) -> None:
    for item in cluster.all("VirtualService"):
        namespace = item["metadata"]["namespace"]
        for destination in destinations(item):
            service = cluster.service(destination["host"], namespace)
            numbers = [port["port"] for port in service["spec"]["ports"]]
            assert destination.get("port", {}).get("number", numbers[0]) in numbers
            rules = [rule for rule in cluster.all("DestinationRule") if rule["spec"]["host"] == destination["host"]]
            subsets = {subset["name"] for rule in rules for subset in rule["spec"].get("subsets", [])}
            assert destination.get("subset") in subsets | {None}


def test_weights_add_up_to_a_hundred(cluster: Cluster) -> None:
    for item in cluster.all("VirtualService"):
        for rule in item["spec"]["http"]:
            weights = [target["weight"] for target in rule["route"] if "weight" in target]
            assert sum(weights) in (0, 100)
            assert len(weights) in (0, len(rule["route"]))


def test_virtual_services_inside_the_mesh_are_for_services(cluster: Cluster) -> None:
    for item in cluster.all("VirtualService"):
        if "gateways" not in item["spec"]:
            assert set(item["spec"]["hosts"]) <= cluster.names("Service", item["metadata"]["namespace"])


def test_gateways_exist_and_serve_the_hosts_that_are_routed(cluster: Cluster) -> None:
    gateways = {item["metadata"]["name"]: item["spec"] for item in cluster.all("Gateway")}
    for item in cluster.all("VirtualService"):
        for name in item["spec"].get("gateways", []):
            served = [host for server in gateways[name]["servers"] for host in server["hosts"]]
            assert set(item["spec"]["hosts"]) <= set(served)


def test_gateways_run_on_pods_that_listen(cluster: Cluster) -> None:
    for item in cluster.all("Gateway"):
        pods = cluster.pods(item["spec"]["selector"])
        assert {server["port"]["number"] for server in item["spec"]["servers"]} <= ports(pods)


def test_subsets_of_destination_rules_match_pods_of_the_host(cluster: Cluster) -> None:
    for item in cluster.all("DestinationRule"):
        namespace, spec = item["metadata"]["namespace"], item["spec"]
        selector = cluster.service(spec["host"], namespace)["spec"]["selector"]
        for subset in spec.get("subsets", []):
            assert cluster.pods(selector | subset["labels"], namespace)


def test_readme_says_which_files_are_not_for_a_cluster() -> None:
    """The settings in 05-mesh.yaml would take the place of those of the cluster's own mesh."""
    paragraph = (FOLDER / "README.md").read_text().partition("## On a cluster\n")[2].partition("\n\n")[0]
    assert all(f"`{name}`" in paragraph for name in STANDALONE)


def test_readme_says_how_each_change_goes_back() -> None:
    """A file that replaces an object goes back by applying the old one; deleting it would leave nothing."""
    readme = (FOLDER / "README.md").read_text()
    applied = {key(item): path.name for path in APPLIED for item in load([path])}
    for path in EXTRA:
        replaced = {applied[key(item)] for item in load([path]) if key(item) in applied}
        back = f"apply -f {replaced.pop()}" if replaced else f"delete -f more/{path.name}"
        row = next(line for line in readme.splitlines() if line.startswith(f"| `more/{path.name}`"))
        assert row.endswith(f"| `weft {back}` |")
