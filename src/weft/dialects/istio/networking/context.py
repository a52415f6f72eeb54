"""What every part of compiling one object needs to know."""

from typing import Any

from msgspec import Struct

from weft.base.issues import Ref
from weft.dialects.compiled import Lookup
from weft.dialects.istio.networking.hosts import absolute_host
from weft.dialects.report import Report
from weft.ir.settings import MeshSettings
from weft.model.objects import Object


class Context(Struct, frozen=True):
    """The mesh's settings, the namespace in which names are short, and where findings go."""

    report: Report
    namespace: str
    settings: MeshSettings

    @classmethod
    def of(cls, subject: Object[Any], lookup: Lookup) -> "Context":
        """The context of an object, with a new report."""
        return cls(Report(subject.ref), subject.metadata.namespace, lookup.settings())

    def host(self, name: str) -> str:
        """The absolute host that a name means here."""
        return absolute_host(name, self.namespace, self.settings.cluster_domain)

    def aside(self) -> "Context":
        """The same with a report that nobody reads: for values whose findings are made elsewhere."""
        return Context(Report(Ref("", "", "")), self.namespace, self.settings)
