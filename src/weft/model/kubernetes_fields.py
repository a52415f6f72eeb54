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
    found: list[Problem] = []
    if kind.body != "spec":
        _look({name: value for name, value in body.items() if name not in _ENVELOPE}, kind.spec, (), found)
    elif isinstance(body.get("spec"), dict):
        _look(body["spec"], kind.spec, ("spec",), found)
    return tuple(found)


class _Fields(Struct, frozen=True):
    """The fields of a structure: all names (None where they are not looked at), and those that hold structures or lists
    of them, each with the structure and whether it is a list."""

    names: frozenset[str] | None
    inner: tuple[tuple[str, type[Struct], bool], ...]


@cache
def _fields(structure: type[Struct]) -> _Fields:
    typed = cast(inspect.StructType, type_info(structure)).fields
    others = _NOT_TYPED.get(structure)
    names = None if others is None else others.union(each.encode_name for each in typed)
    inner = ((each.encode_name, *held) for each in typed for held in _structures(each.type))
    return _Fields(names, tuple(inner))


def _structures(kind: inspect.Type, *, listed: bool = False) -> Iterator[tuple[type[Struct], bool]]:
    if isinstance(kind, inspect.UnionType):
        for member in kind.types:
            yield from _structures(member, listed=listed)
    elif isinstance(kind, inspect.VarTupleType):
        yield from _structures(kind.item_type, listed=True)
    elif isinstance(kind, inspect.StructType):
        yield kind.cls, listed


def _look(value: dict[str, Any], structure: type[Struct], path: FieldPath, found: list[Problem]) -> None:
    """Adds what is unknown in a value. Nearly always that is nothing, which is seen at the names as a whole."""
    fields = _fields(structure)
    if fields.names is not None and not fields.names.issuperset(value):
        found += [_slip(name, fields.names, path) for name in value if name not in fields.names]
    for name, inside, listed in fields.inner:
        given = value.get(name)
        if listed and isinstance(given, list):
            for index, item in enumerate(given):
                if isinstance(item, dict):
                    _look(item, inside, (*path, name, index), found)
        elif not listed and isinstance(given, dict):
            _look(given, inside, (*path, name), found)


def _slip(name: str, names: frozenset[str], path: FieldPath) -> Problem:
    hint = did_you_mean(name, sorted(names))
    advice = f"did you mean `{hint}`?" if hint else "remove this field"
    return Problem((*path, name), f"unknown field `{name[:80]}`", advice)
