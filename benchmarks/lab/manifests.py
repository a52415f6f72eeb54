"""The folders that meshes of the benchmark run from."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import yaml
from benchmarks.lab import backend

NAMESPACE: Final = "bench"
HOST: Final = f"echo.{NAMESPACE}"
PLAIN_HOST: Final = f"plain.{NAMESPACE}"
ROUTES_FILE: Final = "routes.yaml"

Manifest = dict[str, Any]

_PORT_NAMES: Final = {8080: "http", 8082: "http2", backend.GRPC_PORT: "grpc", 7000: "tcp"}
_IDLE: Final = ["sleep", "infinity"]
_INJECT: Final = "sidecar.istio.io/inject"


def write(folder: Path, name: str, manifests: Iterable[Manifest]) -> None:
    """Writes a file of the folder, whole at once."""
    new = folder / f".{name}.new"
    new.write_text(yaml.safe_dump_all(manifests, sort_keys=False))
    new.replace(folder / name)


def write_comparison(folder: Path, envoy: Path, *, access_log: bool) -> None:
    """Writes a mesh with a client and a server that have sidecars, and the same two without.

    Between the first two there is what users have: routing by a VirtualService and a DestinationRule, STRICT mutual TLS
    and an AuthorizationPolicy. The service `kept` leads to the same server as `echo`.
    """
    backend.write_backend(folder)
    servers = [backend.envoy_command(envoy, folder), backend.grpc_command(folder)]
    log = "accessLogFile: /dev/stdout\n" if access_log else "{}\n"
    pods = [
        _namespace(),
        deployment("client", [_IDLE]),
        deployment("server", servers),
        deployment("plain-client", [_IDLE], sidecar=False),
        deployment("plain-server", servers, sidecar=False),
        service("echo", {"app": "server"}, backend.PORTS),
        service("kept", {"app": "server"}, backend.PORTS),
        service("plain", {"app": "plain-server"}, backend.PORTS),
    ]
    write(folder, "mesh.yaml", [_mesh_config(log)])
    write(folder, "pods.yaml", pods)
    routes = [*subsets(), virtual_service("echo"), *subsets("kept", keep=True), virtual_service("kept")]
    write(folder, ROUTES_FILE, [*routes, *_security()])


def write_services(folder: Path, count: int) -> None:
    """Writes a mesh of one pod with a sidecar, and `count` services with one endpoint each."""
    services = [service(f"service-{number}", {"app": "client"}, [8080]) for number in range(count)]
    write(folder, "pods.yaml", [_namespace(), deployment("client", [_IDLE])])
    write(folder, "services.yaml", services)


def write_proxies(folder: Path, count: int) -> None:
    """Writes a mesh of `count` pods with sidecars, and a service with a route that can be changed."""
    pods = [_namespace(), deployment("client", [_IDLE], replicas=count), service("echo", {"app": "client"}, [8080])]
    write(folder, "pods.yaml", pods)
    write(folder, ROUTES_FILE, [*subsets(), virtual_service("echo")])


def virtual_service(host: str, revision: int = 0) -> Manifest:
    """Returns the routes of the host; a changed `revision` is a change that clients' proxies must learn."""
    forward = {"destination": {"host": host, "subset": "v1"}, "weight": 100}
    answer = {"response": {"set": {"x-revision": str(revision)}}}
    rules = [
        {"match": [{"headers": {"x-canary": {"exact": "yes"}}}], "route": [forward], "timeout": "1s"},
        {"match": [{"uri": {"prefix": "/old/"}}], "rewrite": {"uri": "/"}, "route": [forward]},
        {"route": [forward], "timeout": "15s", "retries": {"attempts": 2, "retryOn": "5xx"}, "headers": answer},
    ]
    return _istio("networking", "VirtualService", host, {"hosts": [host], "http": rules})


def deployment(name: str, commands: Sequence[Sequence[str]], *, sidecar: bool = True, replicas: int = 1) -> Manifest:
    """Returns a Deployment with a container for each command; it runs as a service account of its name."""
    selector = {"app": name}
    labels = {**selector, "version": "v1", _INJECT: str(sidecar).lower()}
    containers = [
        {"name": f"{name}-{number}", "image": "example.org/bench", "command": list(command)}
        for number, command in enumerate(commands)
    ]
    template = {"metadata": {"labels": labels}, "spec": {"containers": containers}}
    spec = {"replicas": replicas, "selector": {"matchLabels": selector}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": _metadata(name), "spec": spec}


def service(name: str, selector: dict[str, str], ports: Iterable[int]) -> Manifest:
    """Returns a Service."""
    stated = [{"name": _PORT_NAMES[port], "port": port} for port in ports]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(name),
        "spec": {"selector": selector, "ports": stated},
    }


def subsets(host: str = "echo", *, keep: bool = False) -> list[Manifest]:
    """Returns the subsets that the routes name; `keep` keeps HTTP/1.1 as it is between sidecars."""
    policy = {"trafficPolicy": {"connectionPool": {"http": {"h2UpgradePolicy": "DO_NOT_UPGRADE"}}}} if keep else {}
    rule = {"host": host, "subsets": [{"name": "v1", "labels": {"version": "v1"}}], **policy}
    return [_istio("networking", "DestinationRule", host, rule)]


def _security() -> list[Manifest]:
    """Both sides of a policy: who calls, and what."""
    caller = [{"source": {"principals": [f"cluster.local/ns/{NAMESPACE}/sa/default"]}}]
    calls = [{"operation": {"methods": ["GET", "POST"], "ports": [str(p) for p in backend.PORTS if p != 7000]}}]
    rules = [{"from": caller, "to": calls}, {"from": caller, "to": [{"operation": {"ports": ["7000"]}}]}]
    selector = {"selector": {"matchLabels": {"app": "server"}}}
    return [
        _istio("security", "PeerAuthentication", "server", {**selector, "mtls": {"mode": "STRICT"}}),
        _istio("security", "AuthorizationPolicy", "server", {**selector, "rules": rules}),
    ]


def _istio(group: str, kind: str, name: str, spec: Manifest) -> Manifest:
    return {"apiVersion": f"{group}.istio.io/v1", "kind": kind, "metadata": _metadata(name), "spec": spec}


def _mesh_config(text: str) -> Manifest:
    metadata = {"name": "istio", "namespace": "istio-system"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"mesh": text}}


def _namespace() -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": NAMESPACE, "labels": {"istio-injection": "enabled"}},
    }


def _metadata(name: str) -> Manifest:
    return {"name": name, "namespace": NAMESPACE}
