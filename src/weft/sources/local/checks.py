"""What of a Deployment, Job or Pod can't be done: errors for what an API server would refuse, warnings for the rest.

Pure. Source of the rules: Kubernetes API reference, apps/v1 Deployment and core/v1 PodSpec, Container.
"""

import re
from collections.abc import Iterator
from typing import Final

from weft.base.issues import Issue
from weft.dialects.kubernetes.injection import PROXY_CONTAINER
from weft.dialects.kubernetes.pod import INTERCEPTION_MODE, interception_of
from weft.model import codes
from weft.model import kubernetes as api
from weft.model.fields import FieldPath, format_path
from weft.model.istio_proxy import PROXY_CONFIG, parse_proxy_config, unread_fields
from weft.model.objects import Object
from weft.sources.local.containers import named_port, runs_as_root
from weft.sources.local.job_checks import Caution, job_cautions, job_errors
from weft.sources.local.labels import selector_holds
from weft.sources.local.redirects import bad_annotations
from weft.sources.local.strategy import is_bound

LOG_LEVELS: Final = frozenset({"trace", "debug", "info", "warning", "warn", "error", "critical", "off"})
"""What Envoy takes as `--log-level`."""

LOG_LEVEL: Final = "sidecar.istio.io/logLevel"

_UNCHANGED: Final = "its pods stay as they are: none is made or replaced"
_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_PROBES: Final = ("startupProbe", "livenessProbe", "readinessProbe")

Workload = Object[api.Deployment] | Object[api.Job] | Object[api.PodSpec]


def template_of(workload: Workload) -> tuple[api.PodTemplate, FieldPath]:
    """What the pods of a Deployment, Job or Pod are made from, and where it stands in the object."""
    spec, meta = workload.spec, workload.metadata
    if not isinstance(spec, api.PodSpec):
        return spec.template, ("spec", "template")
    return api.PodTemplate(api.TemplateMetadata(meta.labels, meta.annotations), spec), ()


# ---- errors ----------------------------------------------------------------------------------------------------------
def errors(workload: Workload) -> list[Issue]:
    """What an API server would refuse the object for."""
    template, prefix = template_of(workload)
    found = [*_container_errors(template.spec, (*prefix, "spec"))]
    if isinstance(workload.spec, api.Deployment):
        found += _deployment_errors(workload.spec)
    elif isinstance(workload.spec, api.Job):
        found += job_errors(workload.spec, workload.metadata.name)
    return [
        *(
            Issue(codes.INVALID, "error", workload.ref, format_path(path), message, _UNCHANGED, advice)
            for path, message, advice in found
        ),
        *_redirection(workload, template, prefix),
    ]


def _deployment_errors(spec: api.Deployment) -> Iterator[Caution]:
    if spec.replicas < 0:
        yield ("spec", "replicas"), "there can't be fewer than no pods", "write 0 or more"
    if not (spec.selector.match_labels or spec.selector.match_expressions):
        yield ("spec", "selector"), "the selector is empty", "select the labels of the template"
    elif not selector_holds(spec.selector, spec.template.metadata.labels):
        advice = "give the template the labels that the selector asks for"
        yield ("spec", "selector"), "the selector does not select pods with the labels of the template", advice
    if spec.template.spec.restart_policy != "Always":
        path = ("spec", "template", "spec", "restartPolicy")
        yield path, "pods of a Deployment are always restarted", "write Always, or make it a Pod"
    bounds = spec.strategy.rolling_update
    for name, value in (("maxSurge", bounds.max_surge), ("maxUnavailable", bounds.max_unavailable)):
        if not is_bound(value):
            path = ("spec", "strategy", "rollingUpdate", name)
            yield path, f"{str(value)[:40]!r} is no number of pods", "write a number such as 1, or a share such as 25%"


def _redirection(workload: Workload, template: api.PodTemplate, prefix: FieldPath) -> Iterator[Issue]:
    """Annotations that Istio's injection refuses pods for."""
    for bad in bad_annotations(template.metadata.annotations):
        path, advice = format_path((*prefix, "metadata", "annotations", bad.name)), "correct it, or leave it out"
        yield Issue(codes.INVALID_ANNOTATION, "error", workload.ref, path, bad.reason, _UNCHANGED, advice)


def _container_errors(spec: api.PodSpec, path: FieldPath) -> Iterator[Caution]:
    if not spec.containers:
        yield (*path, "containers"), "the pod has no containers", "write at least one"
    seen: set[str] = set()
    for index, container in enumerate(spec.containers):
        field = (*path, "containers", index, "name")
        if not _NAME.fullmatch(container.name):
            yield field, "this is no name of a container", "write at most 63 lower-case letters, digits and `-`"
        if container.name in seen:
            yield field, "another container of the pod has this name", "name it otherwise"
        seen.add(container.name)
    if spec.termination_grace_period_seconds < 0:
        yield (*path, "terminationGracePeriodSeconds"), "there is no time before the end", "write 0 or more"


# ---- warnings --------------------------------------------------------------------------------------------------------
def warnings(workload: Workload) -> list[Issue]:
    """What the object asks for and does not get."""
    template, prefix = template_of(workload)
    spec = (*prefix, "spec")
    found = [*_of_pod(template.spec, spec)]
    if isinstance(workload.spec, api.Deployment):
        found += _of_deployment(workload.spec)
    elif isinstance(workload.spec, api.Job):
        found += job_cautions(workload.spec)
    for index, container in enumerate(template.spec.containers):
        check = _of_proxy if container.name == PROXY_CONTAINER else _of_container
        found += check(container, (*spec, "containers", index))
    return [
        *(_unsupported(workload, each) for each in found),
        *_ports(workload, template.spec, spec),
        *_roots(workload, template.spec, spec),
        *_log_level(workload, template, prefix),
        *_no_interception(workload, template, prefix),
        *_host_network(workload, template.spec, spec),
        *_proxy_config(workload, template, prefix),
    ]


def _unsupported(workload: Workload, caution: Caution) -> Issue:
    path, effect, advice = caution
    message = f"{path[-1]} is not supported yet"
    return Issue(codes.UNSUPPORTED, "warning", workload.ref, format_path(path), message, effect, advice)


def _of_deployment(spec: api.Deployment) -> Iterator[Caution]:
    if spec.paused:
        yield ("spec", "paused"), "pods are replaced as soon as the template changes", ""
    if spec.min_ready_seconds:
        yield ("spec", "minReadySeconds"), "pods count as available as soon as they are ready", ""


def _of_pod(spec: api.PodSpec, path: FieldPath) -> Iterator[Caution]:
    if spec.init_containers:
        names = ", ".join(container.name[:63] for container in spec.init_containers[:5])
        advice = "do their work in the command of a container, or beforehand"
        yield (*path, "initContainers"), f"these are not run: {names}", advice


def _of_container(container: api.Container, path: FieldPath) -> Iterator[Caution]:
    hooks = container.lifecycle or api.Lifecycle()
    if hooks.post_start is not None:
        advice = "do its work in the container's command"
        yield (*path, "lifecycle", "postStart"), "the hook is not run", advice
    if hooks.pre_stop is not None:
        effect = "the hook is not run: the container gets SIGTERM at once"
        yield (*path, "lifecycle", "preStop"), effect, "do its work when SIGTERM comes"
    if container.restart_policy is not None:
        yield (*path, "restartPolicy"), "the restartPolicy of the pod counts", ""
    if container.volume_mounts:
        places = ", ".join(mount.mount_path[:80] for mount in container.volume_mounts[:5])
        advice = "use env or envFrom, or put files into the folder that stands for the image"
        yield (*path, "volumeMounts"), f"the container sees no volume at {places}", advice
    for name, probe in zip(_PROBES, _probes(container), strict=True):
        if probe is not None and probe.termination_grace_period_seconds is not None:
            yield (*path, name, "terminationGracePeriodSeconds"), "that of the pod counts", ""


def _of_proxy(container: api.Container, path: FieldPath) -> Iterator[Caution]:
    """The container that stands for Envoy: nothing of it but its name and its ports is used."""
    plain = api.Container(name=container.name, image=container.image, ports=container.ports)
    for field in api.Container.__struct_fields__:
        if getattr(container, field) != getattr(plain, field):
            name = api.Container.__struct_encode_fields__[api.Container.__struct_fields__.index(field)]
            yield (*path, name), "the mesh's Envoy is started without it", "remove it"


def _probes(container: api.Container) -> tuple[api.Probe | None, ...]:
    return container.startup_probe, container.liveness_probe, container.readiness_probe


def _ports(workload: Workload, spec: api.PodSpec, path: FieldPath) -> Iterator[Issue]:
    for index, container in enumerate(spec.containers):
        for name, probe in zip(_PROBES, _probes(container), strict=True):
            for action, port in _probe_ports(probe):
                if isinstance(port, str) and named_port(port, container) is None:
                    field = format_path((*path, "containers", index, name, action, "port"))
                    message = f"no port of the container has the name {port[:80]}"
                    effect, advice = "the probe never succeeds", "name one of its ports, or write a number"
                    yield Issue(codes.NOT_FOUND, "error", workload.ref, field, message, effect, advice)


def _probe_ports(probe: api.Probe | None) -> Iterator[tuple[str, int | str]]:
    if probe is not None and probe.http_get is not None:
        yield "httpGet", probe.http_get.port
    if probe is not None and probe.tcp_socket is not None:
        yield "tcpSocket", probe.tcp_socket.port


def _roots(workload: Workload, spec: api.PodSpec, path: FieldPath) -> Iterator[Issue]:
    for index, container in enumerate(spec.containers):
        if container.name != PROXY_CONTAINER and runs_as_root(container, spec):
            field = format_path((*path, "containers", index, "securityContext", "runAsNonRoot"))
            message = "the container would run as root: there is no image that could say another user"
            effect, advice = "the container is not started", "write runAsUser, with another number than 0"
            yield Issue(codes.UNSUPPORTED, "error", workload.ref, field, message, effect, advice)


def _log_level(workload: Workload, template: api.PodTemplate, prefix: FieldPath) -> Iterator[Issue]:
    level = template.metadata.annotations.get(LOG_LEVEL, "info")
    if level not in LOG_LEVELS:
        path = format_path((*prefix, "metadata", "annotations", LOG_LEVEL))
        message, advice = f"{level[:40]!r} is no level", f"write one of {', '.join(sorted(LOG_LEVELS))}"
        yield Issue(codes.INVALID_ANNOTATION, "warning", workload.ref, path, message, "Envoy logs warnings", advice)


def _no_interception(workload: Workload, template: api.PodTemplate, prefix: FieldPath) -> Iterator[Issue]:
    if interception_of(template.metadata.annotations) == "none":
        path = format_path((*prefix, "metadata", "annotations", INTERCEPTION_MODE))
        message, effect = "a sidecar that nothing is led to is not supported", "the pod runs without a sidecar"
        advice = 'leave the annotation out, or write sidecar.istio.io/inject: "false"'
        yield Issue(codes.UNSUPPORTED, "warning", workload.ref, path, message, effect, advice)


def _host_network(workload: Workload, spec: api.PodSpec, path: FieldPath) -> Iterator[Issue]:
    if spec.host_network:
        field = format_path((*path, "hostNetwork"))
        message = "names and addresses of services are known inside of pods' own networks only"
        effect, advice = "the pod is called like others, but calls no services", "let it call pods by their addresses"
        yield Issue(codes.UNSUPPORTED, "warning", workload.ref, field, message, effect, advice)


def _proxy_config(workload: Workload, template: api.PodTemplate, prefix: FieldPath) -> Iterator[Issue]:
    """The annotation's text: what of it can't be read, or has no effect."""
    where = (*prefix, "metadata", "annotations", PROXY_CONFIG)
    try:
        config = parse_proxy_config(template.metadata.annotations.get(PROXY_CONFIG, ""))
    except ValueError as error:
        message, effect = str(error), "the mesh's own settings hold"
        yield Issue(codes.INVALID_ANNOTATION, "warning", workload.ref, format_path(where), message, effect)
        return
    for unread in unread_fields(config):
        message = f"{'.'.join(unread)[:80]} is not supported yet"
        effect = "the proxy is started with Weft's own settings"
        yield Issue(codes.UNSUPPORTED, "warning", workload.ref, format_path(where), message, effect)
