"""The columns that kubectl shows of each kind, as functions of an object and the time."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from weft.cli.ages import age, duration
from weft.cli.manifests import Json, dig, items, seconds
from weft.cli.pods import pod_proxy, pod_ready, pod_restarts, pod_status

Cell = Callable[[Json, float], str]

NONE: Final = "<none>"
NAME_TITLE: Final = "NAME"


class Column(Struct, frozen=True):
    """One column. `wide` ones are shown with `-o wide` only."""

    title: str
    cell: Cell
    wide: bool = False


def columns(kind: str, wide: bool) -> tuple[Column, ...]:
    """The columns of a kind, by its key (`Kind.group`); name and age for those that have no others."""
    return tuple(column for column in _COLUMNS.get(kind, (_NAME, _AGE)) if wide or not column.wide)


def labels(item: Json, _: float) -> str:
    """The labels of an object, as `--show-labels` shows them."""
    return _pairs(dig(item, "metadata", "labels"))


def _at(*path: str, default: str = "") -> Cell:
    """A cell with what stands at a path; lists are shown as JSON, as kubectl does."""
    return lambda item, _: _text(dig(item, *path), default)


def _text(value: Any, default: str = "") -> str:
    if value is None or value == "":
        return default
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _pairs(value: Any) -> str:
    return ",".join(f"{key}={text}" for key, text in value.items()) if isinstance(value, dict) and value else NONE


def _age(item: Json, now: float) -> str:
    return age(seconds(dig(item, "metadata", "creationTimestamp")), now)


def _ports(service: Json, _: float) -> str:
    """`80/TCP,15021:31234/TCP`: each port, with the node's port if it has one."""
    parts = []
    for port in items(service, "spec", "ports"):
        node = f":{port['nodePort']}" if port.get("nodePort") else ""
        parts.append(f"{port.get('port')}{node}/{port.get('protocol', 'TCP')}")
    return ",".join(parts) or NONE


def _external_address(service: Json, _: float) -> str:
    if dig(service, "spec", "type") == "ExternalName":
        return _text(dig(service, "spec", "externalName"), NONE)
    given = [str(address) for address in dig(service, "spec", "externalIPs") or ()]
    balancers = items(service, "status", "loadBalancer", "ingress")
    found = given + [str(entry.get("ip") or entry.get("hostname")) for entry in balancers]
    return ",".join(found) or NONE


def _count(*path: str) -> Cell:
    return lambda item, _: str(dig(item, *path) or 0)


def _size(*path: str) -> Cell:
    return lambda item, _: str(len(dig(item, *path) or ()))


def _deployment_ready(deployment: Json, _: float) -> str:
    wanted = dig(deployment, "spec", "replicas")
    return f"{dig(deployment, 'status', 'readyReplicas') or 0}/{1 if wanted is None else wanted}"


def _containers(field: str) -> Cell:
    path = ("spec", "template", "spec", "containers")
    return lambda item, _: ",".join(str(container.get(field, "")) for container in items(item, *path))


def _job_status(job: Json, _: float) -> str:
    """What a Job has come to, as kubectl says it: the first condition that holds."""
    holding = {each.get("type") for each in items(job, "status", "conditions") if each.get("status") == "True"}
    return next((name for name in ("Complete", "Failed", "Suspended") if name in holding), "Running")


def _job_completions(job: Json, _: float) -> str:
    """`1/3`; `0/1 of 2` where the first success of a group decides."""
    succeeded = dig(job, "status", "succeeded") or 0
    wanted, parallel = dig(job, "spec", "completions"), dig(job, "spec", "parallelism")
    if wanted is not None:
        return f"{succeeded}/{wanted}"
    return f"{succeeded}/1 of {parallel}" if parallel is not None and parallel > 1 else f"{succeeded}/1"


def _job_duration(job: Json, now: float) -> str:
    begun, ended = seconds(dig(job, "status", "startTime")), seconds(dig(job, "status", "completionTime"))
    return duration((ended or now) - begun) if begun is not None else ""


def _endpoints(endpoint_slice: Json, _: float) -> str:
    addresses = [str(a) for each in items(endpoint_slice, "endpoints") for a in each.get("addresses") or ()]
    return ",".join(addresses) or NONE


_NAME: Final = Column(NAME_TITLE, _at("metadata", "name"))
_AGE: Final = Column("AGE", _age)
_ISTIO: Final = "networking.istio.io"
_SECURITY: Final = "security.istio.io"

_COLUMNS: Final[Mapping[str, Sequence[Column]]] = {
    "Pod": (
        _NAME,
        Column("READY", lambda pod, _: pod_ready(pod)),
        Column("STATUS", lambda pod, _: pod_status(pod)),
        Column("RESTARTS", pod_restarts),
        _AGE,
        Column("IP", _at("status", "podIP", default=NONE), wide=True),
        Column("NODE", _at("spec", "nodeName", default=NONE), wide=True),
        Column("PROXY", lambda pod, _: pod_proxy(pod), wide=True),
    ),
    "Service": (
        _NAME,
        Column("TYPE", _at("spec", "type", default="ClusterIP")),
        Column("CLUSTER-IP", _at("spec", "clusterIP", default=NONE)),
        Column("EXTERNAL-IP", _external_address),
        Column("PORT(S)", _ports),
        _AGE,
        Column("SELECTOR", lambda service, _: _pairs(dig(service, "spec", "selector")), wide=True),
    ),
    "Deployment.apps": (
        _NAME,
        Column("READY", _deployment_ready),
        Column("UP-TO-DATE", _count("status", "updatedReplicas")),
        Column("AVAILABLE", _count("status", "availableReplicas")),
        _AGE,
        Column("CONTAINERS", _containers("name"), wide=True),
        Column("IMAGES", _containers("image"), wide=True),
        Column("SELECTOR", lambda item, _: _pairs(dig(item, "spec", "selector", "matchLabels")), wide=True),
    ),
    "Job.batch": (
        _NAME,
        Column("STATUS", _job_status),
        Column("COMPLETIONS", _job_completions),
        Column("DURATION", _job_duration),
        _AGE,
        Column("CONTAINERS", _containers("name"), wide=True),
        Column("IMAGES", _containers("image"), wide=True),
    ),
    "Namespace": (_NAME, Column("STATUS", _at("status", "phase", default="Active")), _AGE),
    "ConfigMap": (_NAME, Column("DATA", _size("data")), _AGE),
    "Secret": (_NAME, Column("TYPE", _at("type", default="Opaque")), Column("DATA", _size("data")), _AGE),
    "EndpointSlice.discovery.k8s.io": (
        _NAME,
        Column("ADDRESSTYPE", _at("addressType", default="IPv4")),
        Column("PORTS", lambda item, _: ",".join(str(p.get("port")) for p in items(item, "ports")) or NONE),
        Column("ENDPOINTS", _endpoints),
        _AGE,
    ),
    f"VirtualService.{_ISTIO}": (
        _NAME,
        Column("GATEWAYS", _at("spec", "gateways")),
        Column("HOSTS", _at("spec", "hosts")),
        _AGE,
    ),
    f"DestinationRule.{_ISTIO}": (_NAME, Column("HOST", _at("spec", "host")), _AGE),
    f"ServiceEntry.{_ISTIO}": (
        _NAME,
        Column("HOSTS", _at("spec", "hosts")),
        Column("LOCATION", _at("spec", "location")),
        Column("RESOLUTION", _at("spec", "resolution")),
        _AGE,
    ),
    f"WorkloadEntry.{_ISTIO}": (_NAME, _AGE, Column("ADDRESS", _at("spec", "address"))),
    f"PeerAuthentication.{_SECURITY}": (_NAME, Column("MODE", _at("spec", "mtls", "mode")), _AGE),
    f"AuthorizationPolicy.{_SECURITY}": (_NAME, Column("ACTION", _at("spec", "action", default="ALLOW")), _AGE),
    "Event": (
        Column("LAST SEEN", lambda event, now: age(event.get("last"), now)),
        Column("TYPE", _at("kind")),
        Column("REASON", _at("reason")),
        Column("OBJECT", lambda event, _: f"{str(dig(event, 'ref', 'kind')).lower()}/{dig(event, 'ref', 'name')}"),
        Column("MESSAGE", _at("message")),
    ),
}
"""Columns by the key of the kind; those of Istio's kinds are the `additionalPrinterColumns` of their definitions."""
