"""What `weft render` prints for a proxy is what the controller sends it and what its Envoy has, and Envoy takes it."""

import base64
import json
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.mesh.harness.api import Pod
from tests.e2e.mesh.harness.commands import run
from tests.e2e.mesh.harness.mesh import RunningMesh
from tests.e2e.offline import stream
from tests.golden import real_envoy
from tests.golden.static import static_bootstrap

from weft.apps.bootstraps import XDS_PORT
from weft.apps.offline.redaction import redacted
from weft.apps.offline.rendering import SECTIONS
from weft.base import protobuf
from weft.cli.proxy.dump import Dump, read_dump
from weft.envoy.type_urls import VHDS

pytestmark = [pytest.mark.isolation("loopback"), pytest.mark.timeout(600)]

Json = dict[str, Any]
OF_THE_POD = {"default", "ROOTCA"}
TYPES = {
    "listeners": "envoy.config.listener.v3.Listener",
    "clusters": "envoy.config.cluster.v3.Cluster",
    "routes": "envoy.config.route.v3.RouteConfiguration",
}
ADDED_BY_ENVOY = ("extensions", "userAgentName", "userAgentBuildVersion", "userAgentVersion")


def render(mesh: RunningMesh, pod: Pod) -> Json:
    """What a user sees who renders the mesh's folder; it must be the same each time."""
    isolation: str = mesh.api.get("/v1/status")["isolation"]
    document: Json = json.loads(rendered(mesh.folder.path, f"{pod.namespace}/{pod.name}", isolation))
    return document


@cache
def rendered(folder: Path, node: str, isolation: str) -> bytes:
    command = [sys.executable, "-m", "weft.apps.main", "render", "-f", str(folder), "--node", node]
    command += ["--isolation", isolation]
    first, second = (subprocess.run(command, capture_output=True, check=True).stdout for _ in range(2))
    assert first == second
    return first


def proxies(mesh: RunningMesh) -> list[tuple[Pod, str]]:
    """The pods with Envoys, and the ids that those have."""
    by_uid = {pod.uid: pod for pod in mesh.api.pods()}
    return [(by_uid[proxy.pod_uid], proxy.node_id) for proxy in mesh.api.proxies()]


def sent(mesh: RunningMesh, pod: Pod, node: str) -> dict[str, list[Json]]:
    """All that the controller sends to a pod's proxy, by section and sorted by name."""
    credentials = mesh.api.credentials(pod.uid)
    assert credentials is not None
    address = f"{mesh.network.gateway}:{XDS_PORT}"
    asked = {"address": address, "root": credentials.root, "token": credentials.token, "node": node}
    command = mesh.outer.inside(sys.executable, str(Path(stream.__file__)))
    found = json.loads(run(command, stdin=json.dumps([asked]), timeout=60.0))[0]
    hosts = [content(each) for each in found.pop(VHDS).values()]
    sections = {
        SECTIONS[type_url]: [content(found[type_url][name]) for name in sorted(found[type_url])] for type_url in found
    }
    return sections | {"routes": [whole(table, hosts) for table in sections["routes"]]}


def whole(table: Json, hosts: Sequence[Json] = ()) -> Json:
    """A route table with those of some virtual hosts that are its own, by their names in it, sorted; it may have them
    already."""
    prefix = f"{table['name']}/"
    own = [*table.get("virtualHosts", ()), *(host for host in hosts if host["name"].startswith(prefix))]
    named = [{**host, "name": host["name"].removeprefix(prefix)} for host in own]
    fields = {name: value for name, value in table.items() if name != "vhds"}
    return {**fields, "virtualHosts": sorted(named, key=lambda host: str(host["name"]))}


def of_section(document: Json, section: str) -> list[Json]:
    """The resources of a section, as they are compared."""
    found: list[Json] = document[section]
    return [whole(table) for table in found] if section == "routes" else found


def content(text: str) -> Json:
    """A resource that came in base64."""
    message = protobuf.parse("envoy.service.discovery.v3.Resource", base64.b64decode(text))
    found: Json = protobuf.to_dict(message)["resource"]
    return {name: value for name, value in found.items() if name != "@type"}


def held(dump: Dump, section: str) -> list[Json]:
    """What an Envoy holds that it did not start with, in canonical JSON."""
    static = {each["name"] for kind in ("clusters", "listeners") for each in dump.bootstrap["static_resources"][kind]}
    found = (canonical(TYPES[section], each) for each in getattr(dump, section))
    return sorted((each for each in found if each["name"] not in static), key=lambda each: str(each["name"]))


def canonical(message: str, document: Json) -> Json:
    """A message of a dump in canonical JSON, without its type."""
    fields = {name: value for name, value in document.items() if name != "@type"}
    return protobuf.to_dict(protobuf.from_dict(message, fields))


def dump_of(mesh: RunningMesh, pod: Pod) -> Dump:
    return read_dump(mesh.admin(pod).get("/config_dump?include_eds"))


@pytest.mark.isolation("netns")  # the machine reaches the controller's port only there
def test_the_controller_sends_to_each_proxy_what_is_rendered(mesh: RunningMesh) -> None:
    mesh.settle()
    for pod, node in proxies(mesh):
        expected = sent(mesh, pod, node)
        secrets = [redacted(each) for each in expected.pop("secrets") if each["name"] not in OF_THE_POD]
        document = render(mesh, pod)
        for section, resources in expected.items():
            assert of_section(document, section) == resources, f"{section} of {pod.name}"
        assert [each for each in document["secrets"] if each["name"] not in OF_THE_POD] == secrets, pod.name


def test_each_envoy_holds_what_is_rendered(mesh: RunningMesh) -> None:
    mesh.settle()
    for pod, _ in proxies(mesh):
        dump, document = dump_of(mesh, pod), render(mesh, pod)
        for section in TYPES:
            assert of_section({section: held(dump, section)}, section) == of_section(document, section), (
                f"{section} of {pod.name}"
            )
        assert {each.name for each in dump.secrets} == {each["name"] for each in document["secrets"]} | {
            "token",
            "root",
        }


def test_each_envoy_was_started_with_the_rendered_bootstrap(mesh: RunningMesh) -> None:
    for pod, _ in proxies(mesh):
        found = canonical("envoy.config.bootstrap.v3.Bootstrap", dump_of(mesh, pod).bootstrap)
        for name in ADDED_BY_ENVOY:
            found["node"].pop(name, None)
        expected = render(mesh, pod)["bootstrap"]
        for each in (found, expected):  # Envoy's reader makes text of numbers in a Struct
            del each["layeredRuntime"]
        assert found == expected, pod.name


def test_envoy_takes_all_that_is_rendered(mesh: RunningMesh, tmp_path: Path) -> None:
    for pod, _ in proxies(mesh):
        folder = tmp_path / pod.name
        folder.mkdir()
        assert real_envoy.refusal(folder, static(folder, render(mesh, pod))) is None, pod.name


def static(folder: Path, document: Json) -> Json:
    """The rendered resources as a bootstrap that needs no control plane; keys are made for the secrets."""
    named = [(each["name"], "validationContext" in each) for each in document["secrets"]]
    credentials = [each for each in named if each[0] not in OF_THE_POD]
    messages = {section: [protobuf.from_dict(TYPES[section], each) for each in document[section]] for section in TYPES}
    endpoints = [
        protobuf.from_dict("envoy.config.endpoint.v3.ClusterLoadAssignment", each) for each in document["endpoints"]
    ]
    return static_bootstrap(folder, **messages, endpoints=endpoints, secrets=real_envoy.secrets(folder, credentials))
