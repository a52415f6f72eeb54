"""Names of fields that Kubernetes does not have, in objects that are read all the same.

The typed structures of `weft.model.kubernetes` hold only what Weft uses. This table adds the API's other field names
(Kubernetes API reference, v1.34), so that a slip (`readinesProbe`) is told from a field that means nothing here.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final, cast

from msgspec import Struct, inspect

from weft.model import kubernetes as api
from weft.model.fields import FieldPath, did_you_mean
from weft.model.objects import Kind
from weft.model.schema import Problem, type_info

_TEXTS: Final[Mapping[type[Struct], str]] = {
    api.PodSpec: """activeDeadlineSeconds affinity automountServiceAccountToken dnsPolicy
        enableServiceLinks ephemeralContainers hostAliases hostIPC hostPID hostUsers hostnameOverride
        imagePullSecrets nodeSelector os overhead preemptionPolicy priority priorityClassName readinessGates
        resourceClaims resources runtimeClassName schedulerName schedulingGates
        setHostnameAsFQDN shareProcessNamespace tolerations topologySpreadConstraints volumes workloadRef""",
    api.Container: """imagePullPolicy resizePolicy resources restartPolicyRules stdin stdinOnce
        terminationMessagePath terminationMessagePolicy tty volumeDevices""",
    api.VolumeMount: "mountPropagation readOnly recursiveReadOnly subPath subPathExpr",
    api.ContainerPort: "hostIP hostPort",
    api.EnvVar: "",
    api.EnvVarSource: "fileKeyRef resourceFieldRef",
    api.EnvFromSource: "",
    api.ObjectFieldSelector: "apiVersion",
    api.Probe: "",
    api.HttpGetAction: "",
    api.TcpSocketAction: "",
    api.GrpcAction: "",
    api.ExecAction: "",
    api.Lifecycle: "stopSignal",
    api.LifecycleHandler: "sleep",
    api.SecurityContext: """allowPrivilegeEscalation appArmorProfile capabilities fsGroup fsGroupChangePolicy
        privileged procMount readOnlyRootFilesystem seLinuxChangePolicy seLinuxOptions seccompProfile
        supplementalGroups supplementalGroupsPolicy sysctls windowsOptions""",
    api.Deployment: "progressDeadlineSeconds revisionHistoryLimit",
    api.Job: "",
    api.DeploymentStrategy: "",
    api.RollingUpdate: "",
    api.PodTemplate: "",
    api.LabelSelector: "",
    api.TemplateMetadata: """name namespace creationTimestamp finalizers ownerReferences generateName""",
    api.Service: """allocateLoadBalancerNodePorts externalTrafficPolicy healthCheckNodePort loadBalancerClass
        loadBalancerIP loadBalancerSourceRanges""",
    api.ServicePort: "",
    api.EndpointSlice: "",
    api.SliceEndpoint: "deprecatedTopology hints targetRef",
    api.EndpointConditions: "",
    api.SlicePort: "appProtocol",
    api.Namespace: "finalizers",
    api.ServiceAccount: "automountServiceAccountToken imagePullSecrets secrets",
    api.ConfigMap: "binaryData immutable",
    api.Secret: "immutable",
}
_NOT_TYPED: Final[Mapping[type[Struct], frozenset[str]]] = MappingProxyType(
    {structure: frozenset(names.split()) for structure, names in _TEXTS.items()}
)
_ENVELOPE: Final = frozenset({"apiVersion", "kind", "metadata", "status"})


def unknown_fields(kind: Kind, body: Mapping[str, Any]) -> tuple[Problem, ...]:
    """Everything in an object's body that is no field of its kind, with what was most likely meant.

    `body` is the whole object, of JSON types; parts that have a wrong type are passed over. Kinds of other modules have
    no such tolerance, and so nothing to find here.
    """
    if kind.spec not in _NOT_TYPED:
        return ()
    if kind.body == "spec":
        spec = body.get("spec")
        return tuple(_unknown(spec, type_info(kind.spec), ("spec",)))
    inside = {name: value for name, value in body.items() if name not in _ENVELOPE}
    return tuple(_unknown(inside, type_info(kind.spec), ()))


class _Fields(Struct, frozen=True):
    """The fields of a structure: with their types where they hold structures, and the names of those without types."""

    typed: Mapping[str, inspect.Type | None]
    others: frozenset[str] | None


@cache
def _fields(structure: type[Struct]) -> _Fields:
    fields = cast(inspect.StructType, type_info(structure)).fields
    typed = {each.encode_name: each.type if _holds_structures(each.type) else None for each in fields}
    return _Fields(typed, _NOT_TYPED.get(structure))


def _holds_structures(kind: inspect.Type) -> bool:
    if isinstance(kind, inspect.UnionType):
        return any(map(_holds_structures, kind.types))
    if isinstance(kind, inspect.VarTupleType):
        return _holds_structures(kind.item_type)
    return isinstance(kind, inspect.StructType)


def _unknown(value: Any, kind: inspect.Type, path: FieldPath) -> Iterator[Problem]:
    if isinstance(kind, inspect.UnionType):
        for member in kind.types:
            yield from _unknown(value, member, path)
    elif isinstance(kind, inspect.VarTupleType) and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _unknown(item, kind.item_type, (*path, index))
    elif isinstance(kind, inspect.StructType) and isinstance(value, dict):
        yield from _unknown_in(value, _fields(kind.cls), path)


def _unknown_in(value: dict[str, Any], fields: _Fields, path: FieldPath) -> Iterator[Problem]:
    for name, inner in value.items():
        if name in fields.typed:
            kind = fields.typed[name]
            if kind is not None:
                yield from _unknown(inner, kind, (*path, name))
        elif fields.others is not None and name not in fields.others:
            hint = did_you_mean(name, (*fields.typed, *fields.others))
            advice = f"did you mean `{hint}`?" if hint else "remove this field"
            yield Problem((*path, name), f"unknown field `{name[:80]}`", advice)
