"""Deployments and Pods as their authors write them, made into pods: what the controllers of a cluster do."""

from __future__ import annotations

from msgspec import structs

from weft.base.issues import Ref
from weft.model.kubernetes import Deployment, LabelSelector, TemplateMetadata
from weft.sources.local.checks import Workload, template_of
from weft.sources.local.labels import selector_holds
from weft.sources.local.pod_maker import PodMaker, marked
from weft.sources.local.pods import TEMPLATE_HASH, PodRecord, Pods
from weft.sources.local.rollout import RolloutPod, next_step
from weft.sources.local.strategy import wanted


class Workloads:
    """Makes pods that are missing and ends those that nothing asks for; for Deployments and Pods."""

    def __init__(self, pods: Pods, maker: PodMaker) -> None:
        self._pods = pods
        self._maker = maker

    def reconcile(self, workload: Workload) -> None:
        """Does all that can be done now towards what a Deployment or Pod asks for."""
        if isinstance(workload.spec, Deployment):
            self._deployment(workload, workload.spec)
        else:
            self._pod(workload)

    def end(self, owner: Ref) -> None:
        """Ends all pods of an owner that is gone."""
        for record in self._pods.of(owner):
            self._pods.end(record.uid)

    def relabel(self, record: PodRecord, labels: dict[str, str], selector: LabelSelector | None) -> None:
        """Gives a pod other labels. One that its owner does not select any more is its own from then on, and the owner
        makes another one (Kubernetes: how a pod is taken out of service and kept for a look)."""
        changed = structs.replace(record, marks=structs.replace(record.marks, labels=labels))
        if selector is not None and not selector_holds(selector, labels):
            changed = structs.replace(changed, owner=None)
        self._pods.put(changed)

    def _deployment(self, workload: Workload, spec: Deployment) -> None:
        asked = wanted(spec, self._maker.template(workload))
        content = marked(spec.template, {TEMPLATE_HASH: asked.template})
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
            for _ in range(step.create):
                self._maker.make_next(workload, content, f"{workload.metadata.name}-{asked.template}")

    def _pod(self, pod: Workload) -> None:
        """A pod of another spec takes its place once the former one is gone, as both have the same name. Other labels
        and annotations are only written on it."""
        template = self._maker.template(pod)
        marks = TemplateMetadata(pod.metadata.labels, pod.metadata.annotations)
        for record in self._pods.of(pod.ref):
            if record.template != template:
                self._pods.end(record.uid)
            elif record.deleted is None:
                self._pods.put(structs.replace(record, marks=marks))
        if self._pods.named(pod.ref) is None:
            self._maker.make(pod, template_of(pod)[0], pod.metadata.name)
