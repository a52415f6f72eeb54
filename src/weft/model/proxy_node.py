"""How a proxy names and describes itself: node ids and node metadata, in Istio's form.

Sources: Istio's "proxy id" `<role>~<address>~<pod>.<namespace>~<DNS domain>`; names and types of the metadata are those
of Istio's agent (`ISTIO_META_...`), which writes them into the node of Envoy's bootstrap
(envoy.config.core.v3.Node). Numbers and truth values come as text there, lists as JSON text or separated by commas.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct, field, structs

from weft.model.schema import Problem, convert, describe

ROLES: Final = ("sidecar", "router", "waypoint", "ztunnel")

_LONGEST_ID: Final = 256
_ROOT: Final = "metadata"


class NodeId(Struct, frozen=True):
    """A proxy's node id, taken apart."""

    role: str
    address: str
    pod: str
    namespace: str
    dns_domain: str


def parse_node_id(text: str) -> NodeId:
    """Returns the parts of a node id; ValueError where it is not of that form. A pod's name may hold dots."""
    parts = text.split("~")
    if len(parts) == 4 and parts[0] in ROLES:
        pod, _, namespace = parts[2].rpartition(".")
        if pod and namespace:
            return NodeId(parts[0], parts[1], pod, namespace, parts[3])
    shown = text[:_LONGEST_ID]
    raise ValueError(
        f"node id {shown!r} is not <role>~<address>~<pod>.<namespace>~<DNS domain> with role {', '.join(ROLES)}"
    )


class PodPort(Struct, frozen=True, rename="camel"):
    """A port that a container of the proxy's pod listens on."""

    container_port: int
    name: str = ""
    protocol: Literal["TCP", "UDP", "SCTP"] = "TCP"


class NodeLocality(Struct, frozen=True, rename="camel"):
    """Where the proxy runs (envoy.config.core.v3.Locality)."""

    region: str = ""
    zone: str = ""
    sub_zone: str = ""


class NodeMetadata(Struct, frozen=True):
    """What of a node's metadata decides its configuration; None and empty are not stated."""

    labels: dict[str, str] | None = field(default=None, name="LABELS")
    annotations: dict[str, str] = field(default={}, name="ANNOTATIONS")
    namespace: str = field(default="", name="NAMESPACE")
    service_account: str = field(default="", name="SERVICE_ACCOUNT")
    workload_name: str = field(default="", name="WORKLOAD_NAME")
    instance_ips: tuple[str, ...] = field(default=(), name="INSTANCE_IPS")
    network: str = field(default="", name="NETWORK")
    cluster: str = field(default="", name="CLUSTER_ID")
    interception: Literal["", "REDIRECT", "TPROXY", "NONE"] = field(default="", name="INTERCEPTION_MODE")
    pod_ports: tuple[PodPort, ...] = field(default=(), name="POD_PORTS")
    dns_capture: bool | None = field(default=None, name="DNS_CAPTURE")


class NodeDescription(Struct, frozen=True):
    """What is said of a proxy besides its id. `stated` is the metadata as it was written."""

    metadata: NodeMetadata = NodeMetadata()
    locality: NodeLocality | None = None
    stated: dict[str, Any] = {}

    @property
    def without_effect(self) -> list[str]:
        """Entries by which Istio would configure a proxy otherwise, and Weft does not."""
        return sorted(name for name in self.stated if name in _NOT_READ)


_NOT_READ: Final = frozenset(
    {
        "DNS_AUTO_ALLOCATE",
        "ENABLE_HBONE",
        "GENERATOR",
        "HTTP10",
        "HTTP_PROXY_PORT",
        "IDLE_TIMEOUT",
        "INBOUND_LISTENER_EXACT_BALANCE",
        "OUTBOUND_LISTENER_EXACT_BALANCE",
        "REQUESTED_NETWORK_VIEW",
        "TLS_CLIENT_CERT_CHAIN",
        "TLS_CLIENT_KEY",
        "TLS_CLIENT_ROOT_CERT",
        "TLS_SERVER_CERT_CHAIN",
        "TLS_SERVER_KEY",
        "TLS_SERVER_ROOT_CERT",
    }
)


def describe_node(value: Any) -> tuple[NodeDescription, tuple[Problem, ...]]:
    """Reads node metadata, or a whole node as a bootstrap has it (`metadata` and `locality`).

    Returns what is said, and everything that is wrong with it; an entry that is wrong counts as not stated.
    """
    if not isinstance(value, dict):
        return NodeDescription(), (Problem((), f"expected fields such as LABELS, got {describe(value)}"),)
    whole = isinstance(value.get(_ROOT), dict)
    stated = value[_ROOT] if whole else {name: each for name, each in value.items() if name != "LOCALITY"}
    locality, wrong_locality = _locality(value.get("locality") if whole else value.get("LOCALITY"))
    metadata, wrong = _metadata(stated, (_ROOT,) if whole else ())
    described = NodeDescription(metadata, locality, stated)
    return described, (*wrong, *wrong_locality)


def _metadata(stated: Mapping[str, Any], root: tuple[str, ...]) -> tuple[NodeMetadata, list[Problem]]:
    """Each entry is read alone, so that one that is wrong leaves the others in force."""
    known = {each.encode_name for each in structs.fields(NodeMetadata)}
    readable: dict[str, Any] = {}
    problems: list[Problem] = []
    for name in sorted(known & stated.keys()):
        entry = {name: _READ_AS.get(name, _plain)(stated[name])}
        _, wrong = convert(entry, NodeMetadata, root)
        problems += wrong
        if not wrong:
            readable |= entry
    return msgspec.convert(readable, NodeMetadata), problems


def _locality(value: Any) -> tuple[NodeLocality | None, tuple[Problem, ...]]:
    """A locality as Envoy's node has it, or as text (`region/zone/sub-zone`)."""
    if value is None:
        return None, ()
    if isinstance(value, str):
        region, zone, sub_zone = (*value.split("/", 2), "", "")[:3]
        return NodeLocality(region, zone, sub_zone), ()
    if isinstance(value, dict) and "sub_zone" in value:
        value = {**value, "subZone": value["sub_zone"]}
    found, problems = convert(value, NodeLocality, ("locality",))
    return found, problems


def _plain(value: Any) -> Any:
    return value


def _separated(value: Any) -> Any:
    """A list, also as text that is separated by commas."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _json(value: Any) -> Any:
    """A list, also as JSON text; text that is none is left to be refused."""
    if not isinstance(value, str):
        return value
    try:
        return msgspec.json.decode(value)
    except msgspec.DecodeError:
        return value


def _truth(value: Any) -> Any:
    """A truth value, also as text, in the words of Go's strconv.ParseBool that people write."""
    return {"true": True, "1": True, "false": False, "0": False}.get(value.lower(), value) if _is_text(value) else value


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


_READ_AS: Final = {"INSTANCE_IPS": _separated, "POD_PORTS": _json, "DNS_CAPTURE": _truth}
