"""Kubernetes objects of the tests' applications, as a user would write them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from tests.e2e.mesh.harness.client import APPLICATIONS

Manifest = dict[str, Any]
IMAGE: Final = "weft.dev/e2e/app:v1"


def images() -> Manifest:
    """Maps the image of the tests to their applications."""
    return {
        "apiVersion": "weft.dev/v1alpha1",
        "kind": "Standalone",
        "metadata": {"name": "e2e"},
        "spec": {"images": {"weft.dev/e2e/*": str(APPLICATIONS)}},
    }


def mesh_config(text: str) -> Manifest:
    """The settings of the mesh, from YAML text."""
    metadata = {"name": "istio", "namespace": "istio-system"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"mesh": text}}


def namespace(name: str, *, sidecars: bool = True) -> Manifest:
    """A namespace whose pods get sidecars, or none."""
    labels = {"istio-injection": "enabled"} if sidecars else {}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def account(namespace: str, name: str) -> Manifest:
    """A service account: an identity."""
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": namespace}}


def service(namespace: str, name: str, ports: Sequence[Mapping[str, Any]], **selector: str) -> Manifest:
    """A service for the pods with these labels (by default `app`: its own name)."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"selector": selector or {"app": name}, "ports": list(ports)},
    }


def server(
    namespace: str,
    app: str,
    *,
    version: str = "v1",
    replicas: int = 1,
    http: Sequence[int] = (8080,),
    tcp: Sequence[int] = (),
    **environment: str,
) -> Manifest:
    """A Deployment `<app>-<version>` of `applications/server.py`, ready when its first port answers."""
    numbers = {"HTTP_PORTS": ",".join(map(str, http)), "TCP_PORTS": ",".join(map(str, tcp))}
    variables = {"VERSION": version} | numbers | environment
    action = {"httpGet": {"path": "/healthz", "port": http[0]}} if http else {"tcpSocket": {"port": tcp[0]}}
    container = {
        "name": "app",
        "image": IMAGE,
        "command": ["python3", "-S", "server.py"],
        "env": [{"name": name, "value": value} for name, value in variables.items()],
        "readinessProbe": {**action, "periodSeconds": 1},
    }
    return _deployment(namespace, f"{app}-{version}", {"app": app, "version": version}, container, replicas=replicas)


def client(namespace: str, name: str) -> Manifest:
    """A Deployment of one pod that others are run in, with a service account of its name."""
    container = {"name": "app", "image": IMAGE, "command": ["python3", "-S", "idle.py"]}
    return _deployment(namespace, name, {"app": name}, container)


def gateway(namespace: str, name: str) -> Manifest:
    """An ingress gateway: an Envoy without an application, labelled `istio: <name>`."""
    manifest = _deployment(namespace, name, {"app": name, "istio": name}, {"name": "istio-proxy", "image": "auto"})
    metadata = manifest["spec"]["template"]["metadata"]
    metadata["labels"]["sidecar.istio.io/inject"] = "true"
    metadata["annotations"] = {"inject.istio.io/templates": "gateway"}
    return manifest


def _deployment(
    namespace: str, name: str, labels: dict[str, str], container: Manifest, *, replicas: int = 1
) -> Manifest:
    spec = {"serviceAccountName": labels["app"], "containers": [container]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": dict(labels)}, "spec": spec},
        },
    }
