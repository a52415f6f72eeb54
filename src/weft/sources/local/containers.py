"""A pod's containers as orders to run local processes. Pure."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from weft.dialects.kubernetes.injection import PROXY_CONTAINER
from weft.model import kubernetes as api
from weft.model.local import Action, ContainerOrder, Probe
from weft.sources.local.environment import Variables, expanded

POD_IP: Final = "POD_IP"
"""The variable by which every container can know its address, also where its author did not ask for one."""

_PROXY_PORT: Final = 15001
_PROXY_VARIABLES: Final = ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY")
_NO_PROXY: Final = ("no_proxy", "NO_PROXY")
_DIRECT: Final = "localhost,127.0.0.0/8"
"""By which most programs learn of a proxy, and what they call without one: the workload itself, and pods by address.
There is no standard; the forms are those of curl(1) and of Go's net/http."""


class Setting(Struct, frozen=True, kw_only=True):
    """What containers of one pod run in: variables and folders by the containers' names, and the pod's address.

    A container without variables can't be started yet: it gets no command. `proxy` is the address of the pod's proxy
    where nothing is redirected to it: then containers are told to use it.
    """

    address: str
    variables: Mapping[str, Variables]
    folders: Mapping[str, str]
    proxy: str = ""

    def common(self) -> dict[str, str]:
        """The variables that every container has unless its author sets them."""
        if not self.proxy:
            return {POD_IP: self.address}
        url = f"http://{self.proxy}:{_PROXY_PORT}"
        return {POD_IP: self.address} | dict.fromkeys(_PROXY_VARIABLES, url) | dict.fromkeys(_NO_PROXY, _DIRECT)


def container_orders(spec: api.PodSpec, setting: Setting) -> tuple[ContainerOrder, ...]:
    """The orders for all containers of a pod but its proxy's."""
    return tuple(_order(each, spec, setting) for each in spec.containers if each.name != PROXY_CONTAINER)


def runs_as_root(container: api.Container, spec: api.PodSpec) -> bool:
    """Whether a container that must not run as root would: the mesh has no other user for who states none."""
    user, must_not = _user(container, spec), _first("run_as_non_root", container, spec)
    return bool(must_not) and not user


def named_port(name: str, container: api.Container) -> int | None:
    """The number of a container's port."""
    return next((port.container_port for port in container.ports if port.name == name), None)


def _order(container: api.Container, spec: api.PodSpec, setting: Setting) -> ContainerOrder:
    variables = setting.variables.get(container.name)
    known = dict(variables or ())
    startable = variables is not None and container.command
    command = tuple(expanded(each, known) for each in (*container.command, *container.args)) if startable else ()
    return ContainerOrder(
        name=container.name,
        image=container.image,
        command=command,
        folder=container.working_dir or setting.folders.get(container.name),
        environment=tuple((setting.common() | known).items()),
        user=_user(container, spec),
        group=_first("run_as_group", container, spec),
        readiness=_probe(container.readiness_probe, container),
        liveness=_probe(container.liveness_probe, container),
        startup=_probe(container.startup_probe, container),
    )


def _user(container: api.Container, spec: api.PodSpec) -> int | None:
    return _first("run_as_user", container, spec)


def _first(field: str, container: api.Container, spec: api.PodSpec) -> int | None:
    """What the container states, else what its pod states."""
    for context in (container.security_context, spec.security_context):
        value: int | None = getattr(context, field, None)
        if value is not None:
            return value
    return None


# ---- probes ----------------------------------------------------------------------------------------------------------
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
    """A number, or the number of a named port; 0, at which nobody listens, where there is no such name."""
    return port if isinstance(port, int) else named_port(port, container) or 0
