"""A mesh that is only objects in memory, behind the real API on a real unix socket."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct

from weft.base.issues import Issue, LocatedIssue, Ref
from weft.envoy.type_urls import CDS, EDS, LDS, RDS, SDS
from weft.model import istio_networking, istio_security, kubernetes
from weft.model.decode import Decoder
from weft.model.kinds import Kinds
from weft.model.local import Credentials, NodeOrders, PodReport
from weft.serve.ads.states import ProxyState, TypeState
from weft.serve.http.app import create_app
from weft.serve.http.contract import Applied, GraphState, MeshStatus, PodCount, PushReason, TableState
from weft.serve.http.server import serving
from weft.sources.local.events import Event

Json = dict[str, Any]

KINDS = Kinds(kubernetes.KINDS, istio_networking.KINDS, istio_security.KINDS)


class MemoryMesh:
    """What the API asks of a mesh (`serve.http.contract`), over objects in memory."""

    def __init__(self, *bodies: Json) -> None:
        self.kinds = KINDS
        self.bodies: dict[Ref, Json] = {}
        self.found_issues: list[LocatedIssue] = []
        self.found_events: list[Event] = []
        self.connections: dict[Ref, dict[str, list[str]]] = {}
        self.connected: list[ProxyState] = []
        self.pushes: list[PushReason] = []
        self.state = mesh_status()
        self._decoder = Decoder(KINDS)
        for body in bodies:
            assert self.apply(body).result == "created"

    def take(self, other: "MemoryMesh") -> "MemoryMesh":
        """Becomes the other one; returns itself."""
        vars(self).update(vars(other))
        return self

    def manifests(self, kind: str, namespace: str | None) -> list[Json]:
        refs = (ref for ref in sorted(self.bodies) if ref.kind == kind and namespace in (None, ref.namespace))
        return [self.bodies[ref] for ref in refs]

    def manifest(self, ref: Ref) -> Json | None:
        return self.bodies.get(ref)

    def apply(self, body: Json) -> Applied:
        decoded = self._decoder.decode(body)
        issues = tuple(LocatedIssue(issue) for issue in decoded.issues)
        if decoded.value is None or any(issue.severity == "error" for issue in decoded.issues):
            return Applied(decoded.value.ref if decoded.value else None, "refused", issues)
        ref = decoded.value.ref
        known = self.bodies.get(ref)
        metadata = {**body["metadata"], "namespace": ref.namespace} if ref.namespace else body["metadata"]
        self.bodies[ref] = {**body, "metadata": metadata}
        if known == self.bodies[ref]:
            return Applied(ref, "unchanged", issues)
        return Applied(ref, "created" if known is None else "configured", issues)

    def label(self, ref: Ref, changes: dict[str, str | None]) -> Applied:
        body = self.bodies[ref]
        labels = {**body["metadata"].get("labels", {}), **changes}
        kept = {key: value for key, value in labels.items() if value is not None}
        return self.apply({**body, "metadata": {**body["metadata"], "labels": kept}})

    def delete(self, ref: Ref) -> bool:
        return self.bodies.pop(ref, None) is not None

    def metrics(self) -> bytes:
        return b"pilot_info 1.0\n"

    def graph(self) -> GraphState:
        return GraphState(7, (TableState("view", 1, 5, 2), TableState("objects", 3, 0, 0)))

    def reasons(self, pod: Ref | None) -> list[PushReason]:
        if pod is not None and pod not in self.bodies:
            raise KeyError(str(pod))
        return self.pushes

    def events(self, namespace: str | None) -> Sequence[Struct]:
        return [event for event in self.found_events if namespace in (None, event.ref.namespace)]

    def issues(self, ref: Ref | None) -> Sequence[LocatedIssue]:
        return [located for located in self.found_issues if ref in (None, located.issue.ref)]

    async def told(self) -> None:
        pass

    def status(self) -> MeshStatus:
        return self.state

    def proxies(self) -> Sequence[ProxyState]:
        return self.connected

    def related(self, ref: Ref) -> dict[str, list[str]]:
        return self.connections.get(ref, {})

    async def orders(self, after: int | None, wait: float) -> NodeOrders | None:
        return None

    def report(self, reports: Sequence[PodReport]) -> None:
        return None

    def credentials(self, uid: str) -> Credentials | None:
        return None


@contextmanager
def served(mesh: MemoryMesh, socket: Path) -> Iterator[None]:
    """Serves the API while the block runs."""
    ready = threading.Event()
    loop, done = asyncio.new_event_loop(), asyncio.Event()

    async def serve() -> None:
        async with serving(create_app(mesh, mesh, mesh, mesh), socket):
            ready.set()
            await done.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(10)
        yield
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join()
        loop.close()


def service(name: str, **spec: Any) -> Json:
    ports = [{"name": "http", "port": 9080, "protocol": "TCP"}]
    metadata = {"name": name, "labels": {"app": name}}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": ports, **spec}}


def pod(name: str, *, labels: dict[str, str] | None = None, ready: bool = True) -> Json:
    """A pod with a sidecar, as the controller shows it."""
    state = {"running": {"startedAt": "2026-11-23T07:00:00Z"}} if ready else {"waiting": {"reason": "CrashLoopBackOff"}}
    statuses = [
        {"name": name, "ready": ready, "restartCount": 0 if ready else 3, "state": state},
        {"name": "istio-proxy", "ready": True, "restartCount": 0, "state": {"running": {}}},
    ]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": labels or {}, "creationTimestamp": "2026-11-23T07:00:00Z"},
        "spec": {"containers": [{"name": name, "image": "shop"}], "nodeName": "machine"},
        "status": {
            "phase": "Running",
            "podIP": "10.244.0.5",
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
            "containerStatuses": statuses,
        },
    }


def deployment(name: str) -> Json:
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "app", "image": "shop"}]}}
    spec = {"replicas": 2, "selector": {"matchLabels": {"app": name}}, "template": template}
    status = {"readyReplicas": 1, "updatedReplicas": 2, "availableReplicas": 1}
    metadata = {"name": name}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec, "status": status}


def job(name: str, **status: Any) -> Json:
    """A Job that was begun at seven, as the controller shows it."""
    spec = {"completions": 3, "template": {"spec": {"containers": [{"name": "app", "image": "shop"}]}}}
    started = {"startTime": "2026-11-23T07:00:00Z", **status}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": spec, "status": started}


def virtual_service(name: str, hosts: Sequence[str] = ("reviews",)) -> Json:
    http = [{"route": [{"destination": {"host": host}}]} for host in hosts]
    spec = {"hosts": list(hosts), "http": http}
    api = "networking.istio.io/v1"
    return {"apiVersion": api, "kind": "VirtualService", "metadata": {"name": name}, "spec": spec}


def mesh_status(**changes: Any) -> MeshStatus:
    values: dict[str, Any] = {
        "mesh": "default",
        "version": "0.1.0",
        "isolation": "netns",
        "folder": "/shop",
        "started": 1_000,
        "node_seen": 1_590,
        "pods": PodCount(2, 2),
        "proxies": {"SYNCED": 2},
        "nacks": 0,
        "issues": (),
    }
    return MeshStatus(**{**values, **changes})


def proxy(pod_name: str, **states: str) -> ProxyState:
    """A connected proxy; `states` are by short name of the type."""
    urls = {"CDS": CDS, "EDS": EDS, "LDS": LDS, "RDS": RDS, "SDS": SDS}
    types = tuple(
        TypeState(type_url=urls[name], status=state, subscribed=None, sent=90.0, accepted=95.0)  # type: ignore[arg-type]
        for name, state in states.items()
    )
    return ProxyState(
        node_id=f"sidecar~10.244.0.5~{pod_name}.default~default.svc.cluster.local",
        pod_uid=pod_name,
        namespace="default",
        pod=pod_name,
        address="10.244.0.5",
        view="default",
        connected=10.0,
        version="1.40.0",
        types=types,
    )


def problem(severity: str, message: str, ref: Ref | None = None) -> LocatedIssue:
    return LocatedIssue(Issue("WEFT0001", severity, ref, "spec.hosts[0]", message, advice="write another one"))  # type: ignore[arg-type]
