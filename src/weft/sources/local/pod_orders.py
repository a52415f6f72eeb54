"""The order to run a pod, from what was decided about it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from msgspec import structs

from weft.base.families import families_of
from weft.dialects.kubernetes.injection import Template
from weft.model.istio_proxy import PROXY_CONFIG, concurrency, parse_proxy_config
from weft.model.kubernetes import PodSpec
from weft.model.local import PodOrder, ProxyOrder, RedirectOrder
from weft.model.objects import Object
from weft.sources.local.checks import LOG_LEVEL, LOG_LEVELS
from weft.sources.local.containers import Setting, container_orders
from weft.sources.local.plans import PodPlan
from weft.sources.local.pods import POD, PodRecord
from weft.sources.local.redirects import redirect_order

_ONE_THREAD: Final = 1
_USER: Final = 1337
_TRANSPARENT_USER: Final = 1338
"""With TPROXY only Envoy's group is the rules' own, as in Istio's injection template, where its user is root: then what
it sends to this pod is marked and not redirected."""


class Bootstraps(Protocol):
    """Writes what a pod's Envoy starts with."""

    def bootstrap(
        self, pod: Object[PodSpec], addresses: tuple[str, ...], template: Template, *, proxy_address: str = ""
    ) -> str:
        """The bootstrap of the Envoy of a pod with these addresses, as JSON; `proxy_address` is Envoy's own, if any."""


def pod_order(plan: PodPlan, bootstraps: Bootstraps) -> PodOrder:
    """The order to run a pod. A gateway runs in the network of the machine: that is where it is the way in.

    It is made from the labels and annotations that the pod had at first, so that other ones restart nothing.
    """
    record, spec = plan.record, plan.record.content.spec
    setting = Setting(
        address=plan.address, variables=record.variables, folders=record.folders, proxy=plan.proxy_address
    )
    return PodOrder(
        uid=record.uid,
        namespace=record.namespace,
        name=record.name,
        service_account=spec.account,
        addresses=plan.addresses,
        host_network=record.injected == "gateway" or spec.host_network,
        containers=container_orders(spec, setting),
        proxy=_proxy_order(plan, bootstraps),
        restart=spec.restart_policy,
        termination_grace=spec.termination_grace_period_seconds * 1_000,
        hostname=spec.hostname,
    )


def _proxy_order(plan: PodPlan, bootstraps: Bootstraps) -> ProxyOrder | None:
    record = plan.record
    if record.injected == "none":
        return None
    pod = Object(POD, record.as_made.metadata({}), record.content.spec)
    level = pod.metadata.annotations.get(LOG_LEVEL, "")
    redirect = None if record.injected == "gateway" or plan.proxy_address else _redirect(plan, pod)
    transparent = redirect is not None and redirect.interception == "tproxy"
    return ProxyOrder(
        user=_TRANSPARENT_USER if transparent else _USER,
        bootstrap=bootstraps.bootstrap(pod, plan.addresses, record.injected, proxy_address=plan.proxy_address),
        redirect=redirect,
        address=plan.proxy_address,
        log_level=level if level in LOG_LEVELS else "warning",
        concurrency=_concurrency(record, pod.metadata.annotations),
    )


def _concurrency(record: PodRecord, annotations: Mapping[str, str]) -> int:
    """What the pod says of its proxy's threads, or what was the mesh's default when it was made."""
    try:
        stated = concurrency(parse_proxy_config(annotations.get(PROXY_CONFIG, "")))
    except ValueError:
        stated = None
    chosen = record.concurrency if stated is None else stated
    return _ONE_THREAD if chosen is None else chosen


def _redirect(plan: PodPlan, pod: Object[PodSpec]) -> RedirectOrder:
    """What annotations say, for each family that the pod has an address of; of captured DNS whomever it asks."""
    return structs.replace(
        redirect_order(pod.metadata.annotations),
        ipv6="IPv6" in families_of(plan.addresses),
        capture_dns=plan.captures_dns,
        capture_all_dns=plan.captures_dns,
    )
