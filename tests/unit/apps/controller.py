"""A controller for tests: real files, real compiling, a real API; only nobody listens for proxies."""

import os
import textwrap
import time
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import yaml

from weft.apps.assembly import PodRanges, assemble
from weft.apps.authority import Identity
from weft.apps.bootstraps import ProxyBootstraps
from weft.apps.pipeline import all_kinds
from weft.apps.state import ControllerParts, ControllerState
from weft.base.issues import Ref
from weft.ir.settings import MeshSettings
from weft.model.local import ContainerReport, PodReport
from weft.serve.callers import Pod
from weft.serve.http.contract import Applied
from weft.sources.directory.source import DirectorySource
from weft.sources.local.pods import PodRecord
from weft.sources.state import MemoryTables

POD_CIDR = IPv4Network("10.244.0.0/16")


class Controller:
    """A controller over the folder `mesh` of a folder; `restart` begins another one with the same state."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / "mesh"
        self.folder.mkdir()
        self.tables = MemoryTables()
        self.restart()

    def restart(self) -> None:
        kinds = all_kinds()
        self.source = DirectorySource(self.folder, kinds, self.tables)
        pods = PodRanges((POD_CIDR,), (str(POD_CIDR[2]),))
        made = assemble(kinds, self.source, self.tables, settings=MeshSettings(), pods=pods, clock=time.time)
        self.pipeline, self.cluster = made.pipeline, made.cluster
        self.store, self.pods = made.cluster.store, made.cluster.pods
        settings = self.pipeline.settings.get(None)
        parts = ControllerParts(
            mesh="test",
            folder=str(self.folder),
            kinds=kinds,
            pipeline=self.pipeline,
            cluster=self.cluster,
            identity=Identity(self.root, "test", settings.trust_domain.name, self._pod),
            bootstraps=ProxyBootstraps(settings, "10.244.0.1", 15012),
        )
        self.state = ControllerState(parts)
        self.scan()

    def _pod(self, uid: str) -> Pod | None:
        return self.state.pod(uid)

    def scan(self) -> None:
        """The controller looks at its folder."""
        self.state.take_files(self.source.scan())

    def write(self, name: str, text: str) -> None:
        """Writes a file, dated back so that it counts as settled, and lets the controller look."""
        path = self.folder / name
        path.write_text(textwrap.dedent(text))
        past = time.time() - 60
        os.utime(path, (past, past))
        self.scan()

    def remove(self, name: str) -> None:
        """Removes a file, and lets the controller look."""
        (self.folder / name).unlink()
        self.scan()

    def apply(self, text: str) -> Applied:
        """Applies one object."""
        return self.state.apply(yaml.safe_load(textwrap.dedent(text)))

    def live(self) -> list[PodRecord]:
        """The pods that were not deleted."""
        return [record for record in self.pods.records() if record.deleted is None]

    def ready(self, *, ready: bool = True) -> None:
        """The node says that all pods are ready, or not."""
        self.state.report([reported(record, ready=ready) for record in self.live()])


def reported(record: PodRecord, *, ready: bool = True, **changes: Any) -> PodReport:
    """What the node says of a pod."""
    containers = tuple(
        ContainerReport(name=each.name, state="running", ready=ready, pid=7, started=1)
        for each in record.content.spec.containers
        if each.name != "istio-proxy"
    )
    proxy = ContainerReport(name="istio-proxy", state="running", ready=ready, pid=8, started=1)
    values: dict[str, Any] = {"phase": "Running", "containers": containers, "started": 1, **changes}
    return PodReport(uid=record.uid, ready=ready, proxy=proxy if record.injected != "none" else None, **values)


def ref(kind: str, name: str, namespace: str = "shop") -> Ref:
    return Ref(kind, namespace, name)


# ---- objects ---------------------------------------------------------------------------------------------------------
NAMESPACE = """
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio-injection: enabled}}
"""

WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, labels: {tier: front}}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web, version: v1}}
    spec:
      containers:
        - {name: app, image: web, command: [serve], resources: {limits: {cpu: 1}}}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  selector: {app: web}
  ports: [{name: http, port: 80, targetPort: 8080}]
"""

ROUTES = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec:
  hosts: [web]
  http: [{route: [{destination: {host: web}}]}]
"""
