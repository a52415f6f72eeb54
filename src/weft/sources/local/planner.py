"""Decides what is still open about a pod once it was made: its address, and the variables of its containers.

Variables are looked up when the pod is made, or as soon as they can all be found, and then stay: a changed ConfigMap or
Secret restarts nothing. (A cluster looks them up again when a container restarts; here that is when the pod is made
anew.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from msgspec import structs

from weft.base.issues import Issue, Ref
from weft.dialects.kubernetes.injection import PROXY_CONTAINER
from weft.dialects.kubernetes.pod import pod_captures_dns
from weft.model import codes
from weft.model.fields import FieldPath, format_path
from weft.model.kubernetes import ConfigMap, PodSpec, Secret
from weft.model.objects import Metadata, Object
from weft.sources.local.addresses import NoAddressError, PodAddresses
from weft.sources.local.checks import Workload, template_of
from weft.sources.local.containers import runs_as_root
from weft.sources.local.environment import Gap, PodFacts, Source, Variables, environment
from weft.sources.local.plans import PodPlan
from weft.sources.local.pods import PodRecord, Pods
from weft.sources.local.store import ObjectStore

CONFIGURATION: Final = ("ConfigMap", "Secret")
"""Kinds that variables come from."""

_AS_ROOT: Final = "container has runAsNonRoot and image will run as root"
"""In the kubelet's words."""

_REFERENCES: Final = frozenset({"configMapRef", "secretRef", "configMapKeyRef", "secretKeyRef"})


class ProxyDefaults(NamedTuple):
    """What holds for proxies of pods that do not say otherwise: whether they answer DNS, and their worker threads."""

    captures_dns: Callable[[], bool]
    concurrency: Callable[[], int]


class Planner:
    """Keeps a plan of each pod that shall run. Pods of the host's network have the machine's own addresses `hosts`."""

    def __init__(
        self,
        store: ObjectStore,
        pods: Pods,
        addresses: PodAddresses,
        *,
        hosts: tuple[str, ...],
        defaults: ProxyDefaults,
    ) -> None:
        self._store = store
        self._defaults = defaults
        self._pods = pods
        self._addresses = addresses
        self._hosts = hosts
        self._plans: dict[str, PodPlan] = {}
        self._waiting: dict[str, str] = {}

    def get(self, uid: str) -> PodPlan | None:
        """What was decided about a pod; it holds until the pod is forgotten."""
        return self._plans.get(uid)

    def plan(self, record: PodRecord) -> PodPlan:
        """Decides about a pod what can be decided now; what can't is waited for. Returns the same plan if it holds."""
        addresses, reason = self._find_addresses(record)
        variables, withheld = self._variables(record, addresses)
        self._waiting.pop(record.uid, None)
        if reason or withheld:
            self._waiting[record.uid] = reason
        threads = self._defaults.concurrency() if record.concurrency is None else record.concurrency
        if (variables, threads) != (record.variables, record.concurrency):
            record = structs.replace(record, variables=variables, concurrency=threads)
            self._pods.put(record)
        plan = PodPlan(
            record=record,
            addresses=addresses,
            withheld=withheld,
            proxy_address=self._proxy_address(record, addresses),
            captures_dns=record.injected == "sidecar"
            and pod_captures_dns(record.as_made.marks.annotations, default=self._defaults.captures_dns()),
        )
        known = self._plans.get(record.uid)
        if known == plan:
            return known
        self._plans[record.uid] = plan
        return plan

    def forget(self, uid: str) -> None:
        """Frees the address of a pod that is gone."""
        self._plans.pop(uid, None)
        self._waiting.pop(uid, None)
        self._addresses.release(uid)

    def keep_only(self, uids: Iterator[str]) -> None:
        """Frees the addresses of all other pods."""
        self._addresses.keep_only(uids)

    def waiting(self) -> list[PodRecord]:
        """The pods of which something is still open."""
        found = (self._pods.get(uid) for uid in self._waiting)
        return [record for record in found if record is not None and record.deleted is None]

    # ---- what can't be done ------------------------------------------------------------------------------------
    def issues(self) -> Iterator[Issue]:
        """The pods that there is no address for."""
        for record in self.waiting():
            reason = self._waiting[record.uid]
            if reason:
                advice = "delete pods that nobody needs, or choose a larger range"
                yield Issue(codes.NO_ADDRESS, "error", record.ref, "", reason, "the pod does not run", advice)

    def gaps(self, workload: Workload) -> Iterator[Issue]:
        """The variables that new pods of a Deployment or Pod would not get."""
        template, prefix = template_of(workload)
        meta = workload.metadata
        facts = PodFacts(Metadata(name=meta.name, namespace=meta.namespace), template.spec)
        for index, container in enumerate(template.spec.containers):
            found = environment(container, facts, self._source(meta.namespace))
            for gap in found.gaps if container.name != PROXY_CONTAINER else ():
                yield _issue(workload.ref, (*prefix, "spec", "containers", index, *gap.path), gap)

    # ---- deciding ----------------------------------------------------------------------------------------------
    def _find_addresses(self, record: PodRecord) -> tuple[tuple[str, ...], str]:
        """The addresses of a pod, or why it has none."""
        if record.injected == "gateway" or record.content.spec.host_network:
            return self._hosts, ""
        try:
            return self._addresses.addresses(record.uid), ""
        except NoAddressError as error:
            return (), str(error)

    def _proxy_address(self, record: PodRecord, addresses: tuple[str, ...]) -> str:
        """A gateway's proxy is alone at its address."""
        address = next(iter(addresses), "")
        own = self._addresses.proxy(address) if address and record.injected != "none" else ""
        return address if own and record.injected == "gateway" else own

    def _variables(self, record: PodRecord, addresses: tuple[str, ...]) -> tuple[dict[str, Variables], dict[str, str]]:
        """The variables of each container that has all of them, and why the others can't be started."""
        spec: PodSpec = record.content.spec
        variables, withheld = dict(record.variables), {}
        facts = PodFacts(record.as_made.metadata({}), spec, addresses=addresses, hosts=self._hosts)
        for container in spec.containers if addresses else ():
            if container.name in variables or container.name == PROXY_CONTAINER:
                continue
            found = environment(container, facts, self._source(record.namespace))
            reason = _AS_ROOT if runs_as_root(container, spec) else found.blocked
            if reason:
                withheld[container.name] = reason
            else:
                variables[container.name] = found.variables
        return variables, withheld

    def _source(self, namespace: str) -> Source:
        def entries(kind: str, name: str) -> Mapping[str, bytes] | None:
            found = self._store.value(Ref(kind, namespace, name))
            spec = found.spec if isinstance(found, Object) else None
            if isinstance(spec, ConfigMap):
                return {key: text.encode() for key, text in spec.data.items()}
            if isinstance(spec, Secret):
                return spec.data | {key: text.encode() for key, text in spec.string_data.items()}
            return None

        return entries


def _issue(ref: Ref, path: FieldPath, gap: Gap) -> Issue:
    effect = "a container that needs it is not started" if gap.severity == "error" else "the variable is left out"
    advice = "create it, or write `optional: true`" if gap.severity == "error" and path[-1] in _REFERENCES else ""
    return Issue(codes.MISSING_VARIABLE, gap.severity, ref, format_path(path), gap.message, effect, advice)
