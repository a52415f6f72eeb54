"""Objects as their authors wrote them: typed, with the metadata that matters."""

from typing import Any, Generic, TypeVar

from msgspec import Struct

from weft.base.issues import Ref
from weft.base.provenance import Provenance

S = TypeVar("S")


class Metadata(Struct, frozen=True, kw_only=True):
    """What of Kubernetes' ObjectMeta the mesh uses. `created` is in Unix seconds; 0 where it is unknown."""

    name: str
    namespace: str = ""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    created: int = 0
    uid: str = ""


class Object(Struct, Generic[S], frozen=True):
    """One object. `kind` is `Kind.group` as in `Ref`; `spec` is typed by the kind (see `model.kinds`).

    `status` is kept for kinds whose status is an input (pods). Resource versions and managed fields are not kept: a
    change of those changes nothing.
    """

    kind: str
    metadata: Metadata
    spec: S
    status: Any = None

    @property
    def ref(self) -> Ref:
        """The object's key."""
        return Ref(self.kind, self.metadata.namespace, self.metadata.name)

    def provenance(self, path: str = "") -> Provenance:
        """Where a value of the neutral model that is made from this object's field comes from."""
        meta = self.metadata
        return Provenance(self.kind.partition(".")[0], meta.namespace, meta.name, path=path, created=meta.created)


class Kind(Struct, frozen=True):
    """One kind of API object that Weft reads.

    `versions` are accepted alike (newest first); `body` says where the typed part is: in `spec`, or in the top level of
    the object (Secret, ConfigMap, ServiceAccount).
    """

    group: str
    name: str
    plural: str
    versions: tuple[str, ...]
    spec: type[Struct]
    namespaced: bool = True
    body: str = "spec"
    short_names: tuple[str, ...] = ()
    status: type[Struct] | None = None

    @property
    def key(self) -> str:
        """The kind as it stands in `Ref.kind`."""
        return f"{self.name}.{self.group}" if self.group else self.name


class Broken(Struct, frozen=True):
    """An object that could not be read as its kind. `body` is what it says, as far as it was YAML or JSON.

    Routing kinds count as absent; security kinds fail closed for what `body`'s selector can still be read to match.
    """

    kind: str
    metadata: Metadata
    body: dict[str, Any]

    @property
    def ref(self) -> Ref:
        """The object's key."""
        return Ref(self.kind, self.metadata.namespace, self.metadata.name)

    def provenance(self, path: str = "") -> Provenance:
        """As `Object.provenance`."""
        meta = self.metadata
        return Provenance(self.kind.partition(".")[0], meta.namespace, meta.name, path=path, created=meta.created)
