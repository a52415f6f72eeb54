"""What the node keeps of pods on this machine: records, output, admin sockets. Needs no running process."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from weft.base.places import Places
from weft.cli.errors import Failure, NoMeshError
from weft.node.inspection import InspectionError, admin_socket_of, exec_arguments, log_files, pod_records
from weft.node.live_rules import LiveRules, read_rules
from weft.node.settings import NodeSettings, node_settings


class PodFiles:
    """The files of one pod. Every look-up raises Failure, with what to do about it."""

    def __init__(self, places: Places, namespace: str, name: str) -> None:
        with _failures():
            self._settings = _settings(places)
        self._pod = (namespace, name)

    def logs(self, container: str | None, *, previous: bool) -> list[Path]:
        """The files with a container's output, oldest first, of its present run or of the one before."""
        with _failures():
            return log_files(self._settings, *self._pod, container, previous=previous)

    def admin_socket(self) -> Path:
        """The admin socket of the pod's Envoy."""
        with _failures():
            return admin_socket_of(self._settings, *self._pod)

    def exec_vector(self, command: tuple[str, ...], container: str | None) -> list[str]:
        """The argument vector that runs a command in a container."""
        with _failures():
            return exec_arguments(self._settings, *self._pod, command, container)

    def rules(self) -> LiveRules:
        """What redirects the pod's traffic just now."""
        with _failures():
            return read_rules(self._settings, *self._pod)


def known_pods(places: Places) -> set[tuple[str, str]]:
    """Namespaces and names of all pods of this machine. Raises Failure."""
    with _failures():
        return {(record.order.namespace, record.order.name) for record in pod_records(_settings(places))}


def _settings(places: Places) -> NodeSettings:
    if not places.node.is_dir():
        raise NoMeshError(places.mesh, f"there is no folder {places.node}")
    return node_settings(places)


@contextmanager
def _failures() -> Iterator[None]:
    try:
        yield
    except InspectionError as error:
        raise Failure(str(error), hint="`weft get pods -A` lists the pods of the mesh") from error
    except PermissionError as error:
        raise Failure(f"{error.filename}: permission denied", hint="run as the user who started the mesh") from error
