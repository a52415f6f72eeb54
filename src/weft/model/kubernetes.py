"""Objects of Kubernetes that the mesh reads and the standalone mode runs.

Names, types and defaults are those of the Kubernetes API reference (core/v1, apps/v1, batch/v1, discovery.k8s.io/v1).
Only fields that Weft uses are typed. The others are accepted and mean nothing here: the same files are meant for
clusters too, see `weft.model.kubernetes_fields` for names that are no fields at all.
"""

from typing import Any, Literal

from msgspec import Struct, field

from weft.base.families import Family
from weft.model.objects import Kind


# ---- containers ------------------------------------------------------------------------------------------------------
class ObjectFieldSelector(Struct, frozen=True, rename="camel"):
    """A field of the pod itself, such as `metadata.name` or `status.podIP`."""

    field_path: str


class KeySelector(Struct, frozen=True, rename="camel"):
    """One entry of a ConfigMap or Secret."""

    key: str
    name: str = ""
    optional: bool = False


class EnvVarSource(Struct, frozen=True, rename="camel"):
    """Where the value of a variable comes from; exactly one is set."""

    field_ref: ObjectFieldSelector | None = None
    config_map_key_ref: KeySelector | None = None
    secret_key_ref: KeySelector | None = None


class EnvVar(Struct, frozen=True, rename="camel"):
    """A variable of the environment."""

    name: str
    value: str = ""
    value_from: EnvVarSource | None = None


class NamedReference(Struct, frozen=True, rename="camel"):
    """A ConfigMap or Secret as a whole."""

    name: str = ""
    optional: bool = False


class EnvFromSource(Struct, frozen=True, rename="camel"):
    """Variables for all entries of a ConfigMap or Secret."""

    prefix: str = ""
    config_map_ref: NamedReference | None = None
    secret_ref: NamedReference | None = None


class ContainerPort(Struct, frozen=True, rename="camel"):
    """A port that a container listens on; it informs, and names may be referred to."""

    container_port: int
    name: str = ""
    protocol: Literal["TCP", "UDP", "SCTP"] = "TCP"


class HttpHeader(Struct, frozen=True, rename="camel"):
    """A header of a probe."""

    name: str
    value: str = ""


class HttpGetAction(Struct, frozen=True, rename="camel"):
    """A probe by HTTP; `port` is a number or the name of a container's port."""

    port: int | str
    path: str = "/"
    host: str = ""
    scheme: Literal["HTTP", "HTTPS"] = "HTTP"
    http_headers: tuple[HttpHeader, ...] = ()


class TcpSocketAction(Struct, frozen=True, rename="camel"):
    """A probe by opening a connection."""

    port: int | str
    host: str = ""


class ExecAction(Struct, frozen=True, rename="camel"):
    """A probe by running a command."""

    command: tuple[str, ...] = ()


class GrpcAction(Struct, frozen=True, rename="camel"):
    """A probe by gRPC's health service."""

    port: int
    service: str = ""


class Probe(Struct, frozen=True, rename="camel"):
    """A repeated check of a container; times are in seconds, exactly one action is set."""

    http_get: HttpGetAction | None = None
    tcp_socket: TcpSocketAction | None = None
    exec: ExecAction | None = None
    grpc: GrpcAction | None = None
    initial_delay_seconds: int = 0
    period_seconds: int = 10
    timeout_seconds: int = 1
    success_threshold: int = 1
    failure_threshold: int = 3
    termination_grace_period_seconds: int | None = None


class LifecycleHandler(Struct, frozen=True, rename="camel"):
    """What is done after the start or before the end of a container."""

    exec: ExecAction | None = None
    http_get: HttpGetAction | None = None
    tcp_socket: TcpSocketAction | None = None


class Lifecycle(Struct, frozen=True, rename="camel"):
    """Hooks of a container."""

    post_start: LifecycleHandler | None = None
    pre_stop: LifecycleHandler | None = None


class SecurityContext(Struct, frozen=True, rename="camel"):
    """The user that a container, or all containers of a pod, run as."""

    run_as_user: int | None = None
    run_as_group: int | None = None
    run_as_non_root: bool | None = None


class VolumeMount(Struct, frozen=True, rename="camel"):
    """Where a container sees a volume of its pod."""

    name: str = ""
    mount_path: str = ""


class Container(Struct, frozen=True, rename="camel"):
    """One process of a pod."""

    name: str
    image: str = ""
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    working_dir: str = ""
    env: tuple[EnvVar, ...] = ()
    env_from: tuple[EnvFromSource, ...] = ()
    ports: tuple[ContainerPort, ...] = ()
    readiness_probe: Probe | None = None
    liveness_probe: Probe | None = None
    startup_probe: Probe | None = None
    lifecycle: Lifecycle | None = None
    security_context: SecurityContext | None = None
    restart_policy: Literal["Always", "OnFailure", "Never"] | None = None
    volume_mounts: tuple[VolumeMount, ...] = ()


# ---- pods ------------------------------------------------------------------------------------------------------------
class PodDnsConfig(Struct, frozen=True, rename="camel"):
    """Whom a pod asks for names. In standalone mode its sidecar does, for names that are not of the mesh."""

    nameservers: tuple[str, ...] = ()


class PodSpec(Struct, frozen=True, rename="camel"):
    """A group of processes with one address. `service_account` is the old name of `service_account_name`."""

    containers: tuple[Container, ...] = ()
    init_containers: tuple[Container, ...] = ()
    service_account_name: str = ""
    service_account: str = ""
    restart_policy: Literal["Always", "OnFailure", "Never"] = "Always"
    termination_grace_period_seconds: int = 30
    host_network: bool = False
    node_name: str = ""
    hostname: str = ""
    subdomain: str = ""
    dns_config: PodDnsConfig | None = None
    security_context: SecurityContext | None = None

    @property
    def account(self) -> str:
        """The service account that the pod runs as (Kubernetes: `default` where none is stated)."""
        return self.service_account_name or self.service_account or "default"


class PodCondition(Struct, frozen=True, rename="camel"):
    """One statement on a pod, such as that it is `Ready`."""

    type: str
    status: Literal["True", "False", "Unknown"] = "Unknown"
    reason: str = ""
    message: str = ""


class PodIp(Struct, frozen=True, rename="camel"):
    """One address of a pod."""

    ip: str = ""


class PodStatus(Struct, frozen=True, rename="camel"):
    """How a pod is: an input to the mesh, written by the node that runs it."""

    phase: Literal["", "Pending", "Running", "Succeeded", "Failed", "Unknown"] = ""
    pod_ip: str = field(default="", name="podIP")
    pod_ips: tuple[PodIp, ...] = field(default=(), name="podIPs")
    host_ip: str = field(default="", name="hostIP")
    conditions: tuple[PodCondition, ...] = ()
    reason: str = ""
    message: str = ""


class LabelSelectorRequirement(Struct, frozen=True, rename="camel"):
    """One requirement on labels."""

    key: str
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    values: tuple[str, ...] = ()


class LabelSelector(Struct, frozen=True, rename="camel"):
    """All requirements hold."""

    match_labels: dict[str, str] = {}
    match_expressions: tuple[LabelSelectorRequirement, ...] = ()


class TemplateMetadata(Struct, frozen=True, rename="camel"):
    """What pods of a template are marked with."""

    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class PodTemplate(Struct, frozen=True, rename="camel"):
    """What each pod of a Deployment is like."""

    metadata: TemplateMetadata = TemplateMetadata()
    spec: PodSpec = PodSpec()


class RollingUpdate(Struct, frozen=True, rename="camel"):
    """How many pods more and fewer than wanted there may be: numbers, or shares of the wanted (`25%`)."""

    max_surge: int | str | None = None
    max_unavailable: int | str | None = None


class DeploymentStrategy(Struct, frozen=True, rename="camel"):
    """How pods are replaced: step by step, or the old ones all at once before the new ones are made."""

    type: Literal["RollingUpdate", "Recreate"] = "RollingUpdate"
    rolling_update: RollingUpdate = RollingUpdate()


class Deployment(Struct, frozen=True, rename="camel"):
    """A number of equal pods."""

    selector: LabelSelector
    template: PodTemplate
    replicas: int = 1
    strategy: DeploymentStrategy = DeploymentStrategy()
    paused: bool = False
    min_ready_seconds: int = 0


class Job(Struct, frozen=True, rename="camel"):
    """Pods that end: so many that succeed, or the first of a group. Times are in seconds.

    Fields without a type of their own here are known, and reported as not supported.
    """

    template: PodTemplate
    completions: int | None = None
    parallelism: int | None = None
    completion_mode: Literal["NonIndexed", "Indexed"] = "NonIndexed"
    backoff_limit: int = 6
    active_deadline_seconds: int | None = None
    ttl_seconds_after_finished: int | None = None
    suspend: bool = False
    backoff_limit_per_index: int | None = None
    max_failed_indexes: int | None = None
    managed_by: str = ""
    manual_selector: bool = False
    pod_failure_policy: dict[str, Any] | None = None
    pod_replacement_policy: Literal["TerminatingOrFailed", "Failed"] = "TerminatingOrFailed"
    selector: LabelSelector | None = None
    success_policy: dict[str, Any] | None = None


# ---- services --------------------------------------------------------------------------------------------------------
class ServicePort(Struct, frozen=True, rename="camel"):
    """A port of a service; without `target_port` its own number is that of the pods."""

    port: int
    name: str = ""
    protocol: Literal["TCP", "UDP", "SCTP"] = "TCP"
    target_port: int | str | None = None
    app_protocol: str | None = None
    node_port: int = 0


class ClientIpConfig(Struct, frozen=True, rename="camel"):
    """How long a client stays at its endpoint after its last connection, in seconds."""

    timeout_seconds: int = 10_800


class SessionAffinityConfig(Struct, frozen=True, rename="camel"):
    """Details of session affinity."""

    client_ip: ClientIpConfig = field(default=ClientIpConfig(), name="clientIP")


class Service(Struct, frozen=True, rename="camel"):
    """A name and an address for a set of pods. `clusterIP` is `None` (the text) for a headless one."""

    ports: tuple[ServicePort, ...] = ()
    selector: dict[str, str] = {}
    type: Literal["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"] = "ClusterIP"
    cluster_ip: str = field(default="", name="clusterIP")
    cluster_ips: tuple[str, ...] = field(default=(), name="clusterIPs")
    ip_families: tuple[Family, ...] = ()
    ip_family_policy: Literal["", "SingleStack", "PreferDualStack", "RequireDualStack"] = ""
    external_name: str = ""
    external_ips: tuple[str, ...] = field(default=(), name="externalIPs")
    session_affinity: Literal["None", "ClientIP"] = "None"
    session_affinity_config: SessionAffinityConfig | None = None
    internal_traffic_policy: Literal["Cluster", "Local"] = "Cluster"
    traffic_distribution: str = ""
    publish_not_ready_addresses: bool = False


class EndpointConditions(Struct, frozen=True, rename="camel"):
    """How an endpoint is; None is unknown and counts as ready."""

    ready: bool | None = None
    serving: bool | None = None
    terminating: bool | None = None


class SliceEndpoint(Struct, frozen=True, rename="camel", gc=False):
    """One endpoint with its addresses."""

    addresses: tuple[str, ...] = ()
    conditions: EndpointConditions = EndpointConditions()
    hostname: str = ""
    node_name: str = ""
    zone: str = ""


class SlicePort(Struct, frozen=True, rename="camel"):
    """A port of all endpoints of a slice, by the name of the service's port."""

    name: str = ""
    port: int | None = None
    protocol: Literal["TCP", "UDP", "SCTP"] = "TCP"


class EndpointSlice(Struct, frozen=True, rename="camel"):
    """Endpoints of a service, named by the label `kubernetes.io/service-name`."""

    address_type: Literal["IPv4", "IPv6", "FQDN"] = "IPv4"
    endpoints: tuple[SliceEndpoint, ...] = ()
    ports: tuple[SlicePort, ...] = ()


# ---- the rest --------------------------------------------------------------------------------------------------------
class Namespace(Struct, frozen=True, rename="camel"):
    """A namespace; all that matters of it are its labels."""


class ServiceAccount(Struct, frozen=True, rename="camel"):
    """An account, by which workloads are identified."""


class ConfigMap(Struct, frozen=True, rename="camel"):
    """Texts by key."""

    data: dict[str, str] = {}


class Secret(Struct, frozen=True, rename="camel"):
    """Secret bytes by key. What it holds never shows in its representation, so that no log or traceback tells it."""

    data: dict[str, bytes] = {}
    string_data: dict[str, str] = {}
    type: str = "Opaque"

    def __repr__(self) -> str:
        keys = sorted({*self.data, *self.string_data})
        return f"Secret(type={self.type!r}, keys={keys!r})"


_V1 = ("v1",)

KINDS: tuple[Kind, ...] = (
    Kind("", "Namespace", "namespaces", _V1, Namespace, namespaced=False, short_names=("ns",)),
    Kind("", "ServiceAccount", "serviceaccounts", _V1, ServiceAccount, body="top", short_names=("sa",)),
    Kind("", "Service", "services", _V1, Service, short_names=("svc",)),
    Kind("", "Pod", "pods", _V1, PodSpec, short_names=("po",), status=PodStatus),
    Kind("", "Secret", "secrets", _V1, Secret, body="top"),
    Kind("", "ConfigMap", "configmaps", _V1, ConfigMap, body="top", short_names=("cm",)),
    Kind("apps", "Deployment", "deployments", _V1, Deployment, short_names=("deploy",)),
    Kind("batch", "Job", "jobs", _V1, Job),
    Kind("discovery.k8s.io", "EndpointSlice", "endpointslices", _V1, EndpointSlice, body="top"),
)
"""The kinds of this module, with kubectl's plural and short names."""
