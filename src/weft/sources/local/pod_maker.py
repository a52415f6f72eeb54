"""New pods, with all that is decided when a pod is made."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Any, Final, Protocol

from msgspec import structs

from weft.base.issues import Ref
from weft.dialects.kubernetes.injection import Template, injected_template
from weft.dialects.kubernetes.pod import interception_of
from weft.model.kubernetes import PodSpec, PodTemplate
from weft.sources.local.checks import Workload, template_of
from weft.sources.local.pods import POD, PodRecord, Pods, template_hash

_SUFFIX: Final = "bcdfghjklmnpqrstvwxz2456789"
"""Letters and digits that spell no words (Kubernetes' safe alphabet)."""


class Surroundings(Protocol):
    """What else decides how pods are made."""

    def namespace_labels(self, namespace: str) -> Mapping[str, str]:
        """The labels of a namespace, by which sidecars are injected."""

    def folders(self, spec: PodSpec) -> dict[str, str]:
        """The folders that stand for the images of a pod's containers, by container."""

    def written(self, owner: Ref) -> dict[str, Any]:
        """An object with all fields as its author wrote them."""


class PodMaker:
    """Makes pods. `clock` gives Unix seconds."""

    def __init__(self, pods: Pods, surroundings: Surroundings, clock: Callable[[], float]) -> None:
        self._pods = pods
        self._surroundings = surroundings
        self._clock = clock

    def template(self, workload: Workload) -> str:
        """The hash of what new pods are made from. Where a folder stands for an image, it takes part like the image."""
        template, _ = template_of(workload)
        made_of: object = template.spec if isinstance(workload.spec, PodSpec) else template
        return template_hash(made_of, self._surroundings.folders(template.spec))

    def make(self, workload: Workload, content: PodTemplate, name: str, serial: int = 0) -> None:
        """Makes a pod; `serial` is its number among those of its owner."""
        self._pods.put(
            PodRecord(
                uid=secrets.token_hex(16),
                namespace=workload.metadata.namespace,
                name=name,
                owner=workload.ref,
                template=self.template(workload),
                content=content,
                marks=content.metadata,
                written=self._written(workload),
                injected=self._injected(workload, content),
                folders=self._surroundings.folders(content.spec),
                created=int(self._clock()),
                serial=serial,
            )
        )

    def make_next(self, workload: Workload, content: PodTemplate, begin: str) -> str:
        """Makes a pod under the next free name that begins so; returns the name. Names follow from the owner and from
        the pods that it has, so that equal files begin with equal pods on every machine."""
        meta = workload.metadata
        serial = max((record.serial for record in self._pods.of(workload.ref)), default=0) + 1
        while True:
            name = f"{begin}-{_suffix(f'{meta.namespace}/{meta.name}/{begin}/{serial}')}"
            if self._pods.named(Ref(POD, meta.namespace, name)) is None:
                self.make(workload, content, name, serial)
                return name
            serial += 1

    def _written(self, workload: Workload) -> dict[str, Any]:
        """The spec of new pods, with all fields as the author wrote them."""
        spec: dict[str, Any] = self._surroundings.written(workload.ref).get("spec") or {}
        return spec if isinstance(workload.spec, PodSpec) else (spec.get("template") or {}).get("spec") or {}

    def _injected(self, workload: Workload, content: PodTemplate) -> Template:
        """The proxy that new pods get: as in a cluster, that is decided once, when a pod is made. A sidecar that
        nothing is to be led to would have nothing to do, so there is none."""
        marks = content.metadata
        template = injected_template(
            marks.labels,
            marks.annotations,
            self._surroundings.namespace_labels(workload.metadata.namespace),
            host_network=content.spec.host_network,
        )
        return "none" if template == "sidecar" and interception_of(marks.annotations) == "none" else template


def marked(template: PodTemplate, labels: dict[str, str], annotations: dict[str, str] | None = None) -> PodTemplate:
    """A template with labels and annotations besides its own."""
    known = template.metadata
    more = known.annotations | (annotations or {})
    return structs.replace(template, metadata=structs.replace(known, labels=known.labels | labels, annotations=more))


def _suffix(seed: str) -> str:
    """The end of a pod's name; equal for equal seeds."""
    return "".join(_SUFFIX[byte % len(_SUFFIX)] for byte in blake2b(seed.encode(), digest_size=5).digest())
