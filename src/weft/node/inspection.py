"""What the command line asks of a node's files: which pods there are, their output, and how to get inside of one.

Works whether or not a node process runs. All errors are InspectionError, with what to do about it.
"""

from pathlib import Path

from weft.model.local import ADMIN_SOCKET
from weft.node.launch import LaunchError
from weft.node.lifecycle import UnitRecord
from weft.node.logs import parts_of, previous_run
from weft.node.means import Means, means_of
from weft.node.namespaces import NamespaceThread
from weft.node.processes import is_alive
from weft.node.sandbox import PodRecord
from weft.node.settings import NodeSettings
from weft.node.specs import PROXY_NAME, PodPlace, container_spec
from weft.node.state import PodFolder, StateFolder, read_record
from weft.node.tools import ToolError


class InspectionError(Exception):
    """There is no such pod or container, or it does not run."""


def pod_records(settings: NodeSettings) -> list[PodRecord]:
    """All pods of this node, by namespace and name."""
    records = (read_record(folder.record, PodRecord) for folder in StateFolder(settings.state).pods())
    return sorted((record for record in records if record), key=lambda found: (found.order.namespace, found.order.name))


def pod_record(settings: NodeSettings, namespace: str, pod: str) -> PodRecord:
    """What the node knows of a pod. Raises InspectionError."""
    return _find(settings, namespace, pod)[0]


def log_files(
    settings: NodeSettings, namespace: str, pod: str, container: str | None = None, *, previous: bool = False
) -> list[Path]:
    """The files with a container's output, oldest part first; Envoy's has the name `istio-proxy`.

    Without `container` that of the pod's first one; `previous` is the run before the present one. Raises
    InspectionError.
    """
    record, folder = _find(settings, namespace, pod)
    log = folder.log(_container_name(record, container, with_proxy=True))
    return parts_of(previous_run(log) if previous else log)


def admin_socket_of(settings: NodeSettings, namespace: str, pod: str) -> Path:
    """The admin socket of a pod's Envoy. Raises InspectionError if there is none."""
    record, folder = _find(settings, namespace, pod)
    if record.order.proxy is None:
        raise InspectionError(f"pod {namespace}/{pod} has no sidecar")
    return folder.proxy / ADMIN_SOCKET


def exec_arguments(
    settings: NodeSettings, namespace: str, pod: str, command: tuple[str, ...], container: str | None = None
) -> list[str]:
    """The argument vector that runs a command inside of a container, with its user, environment and folder.

    Without `container` in the pod's first one. Raises InspectionError.
    """
    record, folder = _find(settings, namespace, pod)
    name = _container_name(record, container, with_proxy=False)
    unit = read_record(folder.container_record(name), UnitRecord)
    if unit is None or unit.process is None or not is_alive(unit.process):
        raise InspectionError(f"container {name} of pod {namespace}/{pod} does not run")
    order = next(found for found in record.order.containers if found.name == name)
    means = _means(settings)
    launch = container_spec(record.order, order, _place(settings, folder, means)).launch
    if launch is None:
        raise InspectionError(f"container {name} of pod {namespace}/{pod} has an order that can't be carried out")
    try:
        return means.chain.execute(unit.process, launch, command)
    except LaunchError as error:
        raise InspectionError(str(error)) from error


def _find(settings: NodeSettings, namespace: str, pod: str) -> tuple[PodRecord, PodFolder]:
    for record in pod_records(settings):
        if (record.order.namespace, record.order.name) == (namespace, pod):
            return record, StateFolder(settings.state).pod(record.order.uid)
    raise InspectionError(f"there is no pod {namespace}/{pod} on this machine")


def _container_name(record: PodRecord, wanted: str | None, *, with_proxy: bool) -> str:
    names = [container.name for container in record.order.containers]
    if with_proxy and record.order.proxy:
        names.append(PROXY_NAME)
    if wanted in names or (wanted is None and names):
        return wanted or names[0]
    pod = f"{record.order.namespace}/{record.order.name}"
    raise InspectionError(f"pod {pod} has no container {wanted or ''}: choose one of {', '.join(names) or 'none'}")


def _means(settings: NodeSettings) -> Means:
    threads = NamespaceThread()
    try:
        return means_of(settings, threads)
    except ToolError as error:
        raise InspectionError(str(error)) from error
    finally:
        threads.close()


def _place(settings: NodeSettings, folder: PodFolder, means: Means) -> PodPlace:
    """As much of the place as the command line needs: nothing is started there."""
    return PodPlace(
        namespace=None,
        names=(),
        mark=settings.mark,
        hidden=settings.hidden or settings.state,
        proxy=folder.proxy,
        envoy=Path(),
        search_path=settings.search_path,
        only_user=means.only_user,
    )
