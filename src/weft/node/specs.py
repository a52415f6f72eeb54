"""From the order of a pod to the processes that make it up; pure but for a look at users and folders of the machine."""

import os
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from weft.base.families import LOOPBACK, family_of
from weft.model.local import ADMIN_SOCKET, Action, ContainerOrder, PodOrder, Probe, ProxyOrder
from weft.node.envoy import BINARY_NAME, envoy_command
from weft.node.launch import Launch
from weft.node.lifecycle import UnitSpec
from weft.node.namespaces import PINS
from weft.node.probes import Probes
from weft.node.procfs import is_permitted
from weft.node.users import Account, home_of

PROXY_NAME: Final = "istio-proxy"
"""The name under which Envoy is reported and its log is kept: the one that people type after `-c`."""

PROXY_MARK: Final = "block_suspend"
"""A capability that does nothing here and that Envoy has and no application can get. The kernel lets nobody look into a
process that may do more than he (ptrace(2)): so not even root in a container, who may become Envoy's user, gets at the
credentials through /proc."""

_PROXY_SEES_ITS_FOLDER_AS: Final = PINS
"""Envoy resolves even relative paths from the root, so its folder must be where its user can go: the state folder may
be below a home that is closed to others. This place exists, is open to all, and holds nothing that Envoy needs."""

_FOREIGN_USER: Final = (
    "without root every process belongs to user {}, so runAsUser and runAsGroup can't name another one: "
    "leave them out, or start the mesh as root"
)

_PRIVILEGED_PORTS: Final = "net_bind_service"
_MARKING: Final = "net_admin"
CAPABILITY_NUMBERS: Final = {_PRIVILEGED_PORTS: 10, _MARKING: 12, PROXY_MARK: 36}
"""From linux/capability.h."""

_PROXY_GRACE: Final = 2_000
_PROXY_PERIOD: Final = 5_000
_READY_PATH: Final = "/healthz/ready"


class PodPlace(Struct, frozen=True, kw_only=True):
    """Where a pod's processes run.

    `namespace` is the file of its network namespace (None: ours), `names` its files for name resolution as pairs of
    source and target, `hidden` the folder that no application sees, `proxy` Envoy's folder, `envoy` its binary; `mark`
    is the mesh's, `tag` the pod's (`Launch`). `only_user` is the one user that all processes belong to, if so.
    """

    namespace: str | None
    names: tuple[tuple[str, str], ...]
    mark: str
    hidden: Path
    proxy: Path
    envoy: Path
    search_path: str
    only_user: Account | None = None
    tag: str = ""

    @property
    def admin_socket(self) -> Path:
        """Envoy's admin interface, seen from here."""
        return self.proxy / ADMIN_SOCKET


def container_spec(pod: PodOrder, container: ContainerOrder, place: PodPlace) -> UnitSpec:
    """The process of a container."""
    refusal = _refusal(pod, container, place)
    started_by = (container.command, container.folder, container.environment, container.user, container.group)
    return UnitSpec(
        name=container.name,
        digest=_digest(started_by),
        launch=None if refusal else _container_launch(pod, container, place),
        refusal=refusal or ("", ""),
        probes=Probes(container.startup, container.liveness, container.readiness),
        restart=pod.restart,
        grace=pod.termination_grace,
    )


def proxy_spec(pod: PodOrder, proxy: ProxyOrder, place: PodPlace) -> UnitSpec:
    """The process of a pod's Envoy. Which binary it is takes no part in its digest: another path is no reason to
    restart what serves well."""
    host = proxy.address or LOOPBACK["IPv4" if pod.host_network else family_of(pod.address)]
    ready = Action(http_path=_READY_PATH, port=proxy.ready_port, host=host)
    started_by = (proxy.bootstrap, proxy.user, proxy.group, proxy.concurrency, proxy.log_level, proxy.drain)
    return UnitSpec(
        name=PROXY_NAME,
        digest=_digest(started_by),
        launch=Launch(
            command=envoy_command(proxy),
            folder=str(place.proxy),
            user=_user(proxy.user, place),
            group=_user(proxy.group, place),
            hidden=str(place.hidden),
            mark=place.mark,
            seen_as=str(_PROXY_SEES_ITS_FOLDER_AS),
            environment=(("PATH", place.search_path),),
            capabilities=(),
            kept=_kept(pod, place),
            tag=_tag(PROXY_NAME, place),
            namespace=place.namespace,
            hostname=_hostname(pod),
            mounts=(*place.names, (str(place.envoy), str(place.proxy / BINARY_NAME))),
        ),
        probes=Probes(readiness=Probe(action=ready, period=_PROXY_PERIOD, timeout=3_000)),
        grace=_PROXY_GRACE,
        complaints="[critical]",  # the level of what Envoy ends for, in its own log format
    )


def _user(wanted: int, place: PodPlace) -> int | None:
    return wanted if place.only_user is None else None


def _tag(container: str, place: PodPlace) -> str:
    return f"{place.tag}/{container}" if place.tag else ""


def _kept(pod: PodOrder, place: PodPlace) -> tuple[str, ...]:
    """Capabilities of Envoy, as far as this machine (a container, perhaps) lets us hand them on. Where users don't tell
    what it sends, it must mark that (socket(7), SO_MARK); with TPROXY it also has clients' addresses (ip(7))."""
    ports = (_PRIVILEGED_PORTS,) if pod.host_network else ()
    transparent = pod.proxy and pod.proxy.redirect and pod.proxy.redirect.interception == "tproxy"
    wanted = (PROXY_MARK, *ports, *((_MARKING,) if transparent or place.only_user is not None else ()))
    return tuple(name for name in wanted if is_permitted(CAPABILITY_NUMBERS[name]))


def _hostname(pod: PodOrder) -> str:
    return "" if pod.host_network else pod.hostname or pod.name


def _container_launch(pod: PodOrder, container: ContainerOrder, place: PodPlace) -> Launch:
    user = os.getuid() if container.user is None else container.user
    home = home_of(place.only_user.user if place.only_user else user)
    hostname = _hostname(pod)
    machine = {"PATH": place.search_path, "HOME": home, "HOSTNAME": hostname or os.uname().nodename}
    return Launch(
        command=container.command,
        folder=container.folder or "/",
        user=_user(user, place),
        group=_group(container),
        hidden=str(place.hidden),
        mark=place.mark,
        environment=tuple((machine | dict(container.environment)).items()),
        namespace=place.namespace,
        hostname=hostname,
        mounts=place.names,
        tag=_tag(container.name, place),
    )


def _group(container: ContainerOrder) -> int:
    """The ordered group, or that of the same number as the user: in an image root's group is harmless, here it is
    not."""
    if container.group is not None:
        return container.group
    return os.getgid() if container.user is None else container.user


def _is_of(container: ContainerOrder, only: Account) -> bool:
    return container.user in (None, only.user) and container.group in (None, only.group)


def _refusal(pod: PodOrder, container: ContainerOrder, place: PodPlace) -> tuple[str, str] | None:
    """Why the container can't run, as reason and message."""
    if not container.command:
        what = f"image {container.image!r} is not pulled in standalone mode"
        if container.folder:
            return "ErrImagePull", f"{what}, and a folder has no entry point: give the container a command"
        return "ErrImagePull", f"{what}: give the container a command, or map the image to a local folder"
    if place.only_user is not None and not _is_of(container, place.only_user):
        return "CreateContainerConfigError", _FOREIGN_USER.format(place.only_user.user)
    if container.folder and not Path(container.folder).is_dir():
        return "ErrImagePull", f"image {container.image!r} is mapped to {container.folder}, which is no folder"
    if container.folder and Path(container.folder).resolve().is_relative_to(place.hidden.resolve()):
        message = f"{container.folder} is inside of {place.hidden}, which no container may see: map another folder"
        return "CreateContainerConfigError", message
    if pod.proxy and pod.proxy.redirect and container.user in (pod.proxy.user, *pod.proxy.redirect.proxy_users):
        message = f"user {container.user} is Envoy's own and would pass the mesh by: choose another runAsUser"
        return "CreateContainerConfigError", message
    return None


def _digest(value: object) -> str:
    return sha256(msgspec.json.encode(value)).hexdigest()[:16]
