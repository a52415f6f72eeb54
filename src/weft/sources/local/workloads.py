"""Deployments and Pods as their authors write them, made into pods: what the controllers of a cluster do."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

from msgspec import structs

from weft.base.issues import Ref
from weft.dialects.kubernetes.injection import Template, injected_template
from weft.model.kubernetes import Deployment, PodSpec, PodTemplate, TemplateMetadata
from weft.model.objects import Object
from weft.sources.local.checks import Workload, template_of
from weft.sources.local.labels import selector_holds
from weft.sources.local.pods import TEMPLATE_HASH, PodRecord, Pods, template_hash
from weft.sources.local.rollout import RolloutPod, next_step
from weft.sources.local.strategy import wanted

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


class Workloads:
    """Makes pods that are missing and ends those that nothing asks for. `clock` gives Unix seconds."""

    def __init__(self, pods: Pods, surroundings: Surroundings, clock: Callable[[], float]) -> None:
        self._pods = pods
        self._surroundings = surroundings
        self._clock = clock

    def reconcile(self, workload: Workload) -> None:
        """Does all that can be done now towards what a Deployment or Pod asks for."""
        if isinstance(workload.spec, Deployment):
            self._deployment(workload, workload.spec)
        else:
            self._pod(workload)

    def end(self, owner: Ref) -> None:
        """Ends all pods of a Deployment or Pod that is gone."""
        for record in self._pods.of(owner):
            self._pods.end(record.uid)

    def relabel(self, record: PodRecord, labels: dict[str, str], owner: Object[Any] | None) -> None:
        """Gives a pod other labels. One that its Deployment does not select any more is its own from then on, and the
        Deployment makes another one (Kubernetes: how a pod is taken out of service and kept for a look)."""
        changed = structs.replace(record, marks=structs.replace(record.marks, labels=labels))
        if owner is not None and not selector_holds(owner.spec.selector, labels):
            changed = structs.replace(changed, owner=None)
        self._pods.put(changed)

    def template(self, workload: Workload) -> str:
        """The hash of what new pods are made from. Where a folder stands for an image, it takes part like the image."""
        template, _ = template_of(workload)
        made_of: object = template if isinstance(workload.spec, Deployment) else template.spec
        return template_hash(made_of, self._surroundings.folders(template.spec))

    def _deployment(self, workload: Workload, spec: Deployment) -> None:
        asked = wanted(spec, self.template(workload))
        while True:
            mine = self._pods.of(workload.ref)
            live = {record.name: record for record in mine if record.deleted is None}
            ending = sum(record.deleted is not None and record.template != asked.template for record in mine)
            pods = [RolloutPod(r.name, r.template, self._pods.is_ready(r.uid), r.created) for r in live.values()]
            step = next_step(asked, pods, ending)
            if not step:
                return
            for name in step.delete:
                self._pods.end(live[name].uid)
            begin = f"{workload.metadata.name}-{asked.template}"
            self._make(workload, [f"{begin}-{_suffix()}" for _ in range(step.create)], asked.template)

    def _pod(self, pod: Workload) -> None:
        """A pod of another spec takes its place once the former one is gone, as both have the same name. Other labels
        and annotations are only written on it."""
        template = self.template(pod)
        marks = TemplateMetadata(pod.metadata.labels, pod.metadata.annotations)
        for record in self._pods.of(pod.ref):
            if record.template != template:
                self._pods.end(record.uid)
            elif record.deleted is None:
                self._pods.put(structs.replace(record, marks=marks))
        if self._pods.named(pod.ref) is None:
            self._make(pod, [pod.metadata.name], template)

    def _make(self, workload: Workload, names: Sequence[str], template: str) -> None:
        if not names:
            return
        content = template_of(workload)[0]
        if isinstance(workload.spec, Deployment):
            labels = content.metadata.labels | {TEMPLATE_HASH: template}
            content = structs.replace(content, metadata=structs.replace(content.metadata, labels=labels))
        first = PodRecord(
            uid=secrets.token_hex(16),
            namespace=workload.metadata.namespace,
            name=names[0],
            owner=workload.ref,
            template=template,
            content=content,
            marks=content.metadata,
            written=self._written(workload),
            injected=self._injected(workload, content),
            folders=self._surroundings.folders(content.spec),
            created=int(self._clock()),
        )
        self._pods.put(first)
        for name in names[1:]:
            self._pods.put(structs.replace(first, uid=secrets.token_hex(16), name=name))

    def _written(self, workload: Workload) -> dict[str, Any]:
        """The spec of new pods, with all fields as the author wrote them."""
        spec: dict[str, Any] = self._surroundings.written(workload.ref).get("spec") or {}
        return (spec.get("template") or {}).get("spec") or {} if isinstance(workload.spec, Deployment) else spec

    def _injected(self, workload: Workload, content: PodTemplate) -> Template:
        """The proxy that new pods get: as in a cluster, that is decided once, when a pod is made."""
        return injected_template(
            content.metadata.labels,
            content.metadata.annotations,
            self._surroundings.namespace_labels(workload.metadata.namespace),
            host_network=content.spec.host_network,
        )


def _suffix() -> str:
    return "".join(secrets.choice(_SUFFIX) for _ in range(5))
