"""A pod's containers as orders to run local processes. Pure."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from weft.model import kubernetes as api
from weft.model.local import Action, ContainerOrder, Probe
from weft.model.objects import Metadata
from weft.sources.local.images import folder_of

PROXY_CONTAINER: Final = "istio-proxy"
"""A container of this name stands for the Envoy that is injected; it is none of the application's (Istio)."""

Values = Callable[[str, str, str], str | None]
"""Looks up (kind, name, key) of a ConfigMap or Secret."""


class PodFacts:
    """What variables of the environment can refer to, by the names of the downward API."""

    def __init__(self, metadata: Metadata, spec: api.PodSpec, address: str) -> None:
        self._labels = metadata.labels
        self._annotations = metadata.annotations
        self._fields = {
            "metadata.name": metadata.name,
            "metadata.namespace": metadata.namespace,
            "metadata.uid": metadata.uid,
            "spec.serviceAccountName": spec.account,
            "spec.nodeName": spec.node_name,
            "status.podIP": address,
            "status.podIPs": address,
            "status.hostIP": address,
        }

    def value(self, path: str) -> str:
        """The value of a field; empty where it has none."""
        for prefix, values in (("metadata.labels", self._labels), ("metadata.annotations", self._annotations)):
            if path.startswith(f"{prefix}['") and path.endswith("']"):
                return values.get(path[len(prefix) + 2 : -2], "")
        return self._fields.get(path, "")


def container_orders(
    spec: api.PodSpec, facts: PodFacts, images: Mapping[str, Path], values: Values
) -> tuple[ContainerOrder, ...]:
    """The orders for all containers of a pod but its proxy's."""
    return tuple(
        _order(container, spec, facts, images, values)
        for container in spec.containers
        if container.name != PROXY_CONTAINER
    )


def _order(
    container: api.Container, spec: api.PodSpec, facts: PodFacts, images: Mapping[str, Path], values: Values
) -> ContainerOrder:
    folder = folder_of(container.image, images)
    environment = dict(_environment(container, facts, values))
    command = tuple(_expanded(each, environment) for each in (*container.command, *container.args))
    security = container.security_context or api.SecurityContext()
    shared = spec.security_context or api.SecurityContext()
    place = container.working_dir or (str(folder) if folder is not None else None)
    return ContainerOrder(
        name=container.name,
        image=container.image,
        command=command if container.command else (),
        folder=place,
        environment=(*environment.items(), ("POD_IP", facts.value("status.podIP")))
        if "POD_IP" not in environment
        else tuple(environment.items()),
        user=security.run_as_user if security.run_as_user is not None else shared.run_as_user,
        group=security.run_as_group if security.run_as_group is not None else shared.run_as_group,
        readiness=_probe(container.readiness_probe, container),
        liveness=_probe(container.liveness_probe, container),
        startup=_probe(container.startup_probe, container),
    )


def _environment(container: api.Container, facts: PodFacts, values: Values) -> Iterator[tuple[str, str]]:
    known: dict[str, str] = {}
    for variable in container.env:
        source = variable.value_from
        if source is None:
            value: str | None = _expanded(variable.value, known)
        elif source.field_ref is not None:
            value = facts.value(source.field_ref.field_path)
        elif source.config_map_key_ref is not None:
            value = values("ConfigMap", source.config_map_key_ref.name, source.config_map_key_ref.key)
        elif source.secret_key_ref is not None:
            value = values("Secret", source.secret_key_ref.name, source.secret_key_ref.key)
        else:
            value = None
        if value is not None:
            known[variable.name] = value
            yield variable.name, value


def _expanded(text: str, known: Mapping[str, str]) -> str:
    """`$(NAME)` becomes the variable's value where there is one; `$$` is a dollar (core/v1 Container, command)."""
    result, rest = "", text
    while "$" in rest:
        before, _, rest = rest.partition("$")
        result += before
        name, closed, after = rest[1:].partition(")") if rest.startswith("(") else ("", "", "")
        if rest.startswith("$"):
            result, rest = result + "$", rest[1:]
        elif closed and name in known:
            result, rest = result + known[name], after
        else:
            result += "$"
    return result + rest


def _probe(probe: api.Probe | None, container: api.Container) -> Probe | None:
    action = _action(probe, container) if probe is not None else None
    if probe is None or action is None:
        return None
    return Probe(
        action=action,
        initial_delay=probe.initial_delay_seconds * 1_000,
        period=max(1, probe.period_seconds) * 1_000,
        timeout=max(1, probe.timeout_seconds) * 1_000,
        success_threshold=max(1, probe.success_threshold),
        failure_threshold=max(1, probe.failure_threshold),
    )


def _action(probe: api.Probe, container: api.Container) -> Action | None:
    if probe.http_get is not None:
        get = probe.http_get
        headers = tuple((header.name, header.value) for header in get.http_headers)
        path = get.path if get.path.startswith("/") else f"/{get.path}"
        port = _port(get.port, container)
        return Action(http_path=path, http_scheme=get.scheme, http_headers=headers, host=get.host, port=port)
    if probe.tcp_socket is not None:
        return Action(tcp=True, host=probe.tcp_socket.host, port=_port(probe.tcp_socket.port, container))
    if probe.exec is not None:
        return Action(command=probe.exec.command)
    if probe.grpc is not None:
        return Action(grpc_service=probe.grpc.service, port=probe.grpc.port)
    return None


def _port(port: int | str, container: api.Container) -> int:
    if isinstance(port, int):
        return port
    return next((each.container_port for each in container.ports if each.name == port), 0)
