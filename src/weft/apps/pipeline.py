"""The pure part put together: objects in, resources of proxies out; for the controller, and for files alone."""

from __future__ import annotations

from typing import Final

from weft.analyze.analyzer import Analysis
from weft.base.issues import Issue, Ref
from weft.dialects import kubernetes as kubernetes_dialect
from weft.dialects.istio import networking, security
from weft.dialects.istio.networking.mesh_networks import with_networks
from weft.dialects.istio.networking.mesh_settings import mesh_settings
from weft.envoy.resources import ProxyResources
from weft.graph.core import Graph
from weft.graph.tables import Derived, Input
from weft.ir.settings import MeshSettings
from weft.mesh.fragments import Dialects, Fragments, Objects
from weft.mesh.reader import Mesh
from weft.model import istio_mesh, istio_mesh_networks, istio_networking, istio_security, kubernetes, standalone
from weft.model.kinds import Kinds
from weft.model.kubernetes import ConfigMap
from weft.model.objects import Object

COMPILERS: Final = (kubernetes_dialect.COMPILERS, networking.COMPILERS, security.COMPILERS)
BROKEN: Final = (security.BROKEN,)
LABELS: Final = (kubernetes_dialect.LABELS,)


def all_kinds() -> Kinds:
    """Every kind of object that Weft reads."""
    return Kinds(kubernetes.KINDS, istio_networking.KINDS, istio_security.KINDS, standalone.KINDS)


class Pipeline:
    """From objects to resources. `base` are the settings that the mesh's own ConfigMap starts from."""

    def __init__(self, base: MeshSettings | None = None) -> None:
        self._base = base or MeshSettings()
        self.graph = Graph()
        self.objects: Objects = Input(self.graph, "objects")
        self.settings: Derived[None, MeshSettings] = Derived(self.graph, "mesh settings", lambda _: self._settings()[0])
        self.fragments = Fragments(self.objects, Dialects(COMPILERS, BROKEN, LABELS), self.settings)
        self.mesh = Mesh(self.fragments, self.settings)
        self.resources = ProxyResources(self.graph, self.mesh)
        self._analysis = Analysis(self.fragments, self.mesh)

    def issues(self, ref: Ref | None = None) -> tuple[Issue, ...]:
        """Everything that is wrong with objects, or one of them, and between them; not what a file says that can't be
        read. It costs what changed since the last call."""
        across = (issue for issue in self._analysis.issues() if ref in (None, issue.ref))
        return (*self.issues_of_objects(ref), *across)

    def issues_of_objects(self, ref: Ref | None = None) -> tuple[Issue, ...]:
        """What is wrong with objects, or one of them, each seen alone."""
        of_settings = (issue for issue in self._settings()[1] if ref in (None, issue.ref))
        return (*of_settings, *self.fragments.issues(ref))

    def _settings(self) -> tuple[MeshSettings, tuple[Issue, ...]]:
        ref = Ref("ConfigMap", self._base.root_namespace, istio_mesh.CONFIG_MAP)
        found = self.objects.get(ref)
        texts = found.spec.data if isinstance(found, Object) and isinstance(found.spec, ConfigMap) else {}
        settings, issues = self._base, list[Issue]()
        if istio_mesh.KEY in texts:
            decoded = istio_mesh.decode_mesh_config(texts[istio_mesh.KEY], ref)
            settings, found_in_mesh = mesh_settings(decoded.config, ref, settings)
            issues += (*decoded.issues, *found_in_mesh)
        if istio_mesh_networks.KEY in texts:
            stated = istio_mesh_networks.decode_mesh_networks(texts[istio_mesh_networks.KEY], ref)
            settings, found_in_networks = with_networks(stated.networks, ref, settings)
            issues += (*stated.issues, *found_in_networks)
        return settings, tuple(issues)
