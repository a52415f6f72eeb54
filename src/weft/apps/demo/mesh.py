"""What the demo asks of the running mesh: its pods, its policies, and what its proxies logged."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from weft.apps.demo.access_log import LogLine, read_line
from weft.apps.demo.pods import Pod, pods_of
from weft.base.places import Places
from weft.cli.api import Controller
from weft.cli.errors import Failure
from weft.cli.manifests import Json, dig
from weft.cli.tail import tail
from weft.node.http import Call, HttpError
from weft.node.inspection import admin_socket_of, exec_arguments, log_files
from weft.node.settings import node_settings
from weft.node.unix_http import ask
from weft.serve.http.contract import MeshStatus

_PROXY: Final = "istio-proxy"
_FLUSH: Final = Call(target="/reopen_logs", method="POST")
"""Envoy holds its access log back for up to ten seconds; this writes it at once
(https://www.envoyproxy.io/docs/envoy/latest/operations/admin)."""
_SYNCED: Final = "SYNCED"
_LABELS: Final = ("spec", "selector", "matchLabels")


class InForce(Struct, frozen=True):
    """Policies that hold at a pod, for refusals of which the proxy's log names none: AuthorizationPolicies, and the
    PeerAuthentication that asks for mutual TLS."""

    authorizations: tuple[str, ...] = ()
    strict: str = ""


class RunningMesh:
    """The mesh of the demo. Everything raises Failure or InspectionError where the mesh does not answer."""

    def __init__(self, places: Places) -> None:
        self._settings = node_settings(places)
        self._controller = Controller(places)

    async def pods(self) -> tuple[Pod, ...]:
        """All pods."""
        return pods_of((await asyncio.to_thread(self._controller.objects, "pods", None)).items)

    async def status(self) -> MeshStatus:
        """How the mesh is."""
        return await asyncio.to_thread(self._controller.fetch, "/v1/status", MeshStatus)

    async def settled(self, pods: Sequence[Pod]) -> bool:
        """Whether every proxy has all that it is to have."""
        proxies = sum(pod.has_proxy for pod in pods)
        return (await self.status()).proxies == {_SYNCED: proxies}

    async def in_force(self, pod: Pod) -> InForce:
        """The policies that hold at a pod."""
        return await asyncio.to_thread(self._in_force, pod)

    async def logged(self, pods: Sequence[Pod], since: float) -> Mapping[Pod, tuple[LogLine, ...]]:
        """What all proxies logged of calls that began at `since` (Unix seconds) or later."""
        proxied = [pod for pod in pods if pod.has_proxy]
        lines = await asyncio.gather(*(self._logged(pod, since) for pod in proxied))
        return dict(zip(proxied, lines, strict=True))

    def exec_vector(self, pod: Pod, command: tuple[str, ...]) -> list[str]:
        """The argument vector that runs a command inside of a pod."""
        return exec_arguments(self._settings, pod.namespace, pod.name, command)

    async def _logged(self, pod: Pod, since: float) -> tuple[LogLine, ...]:
        where = (self._settings, pod.namespace, pod.name)
        try:
            await ask(admin_socket_of(*where), _FLUSH)
        except (HttpError, OSError) as error:
            raise Failure(f"the Envoy of {pod.namespace}/{pod.name} does not answer: {error}") from error
        lines = (read_line(text.decode(errors="replace")) for text in tail(log_files(*where, _PROXY), None))
        return tuple(line for line in lines if line is not None and line.start >= since)

    def _in_force(self, pod: Pod) -> InForce:
        related = self._controller.fetch(f"/v1/related/Pod/{pod.name}", dict[str, list[str]], namespace=pod.namespace)
        authorizations = tuple(text.rpartition("/")[2] for text in related.get("Authorization", ()))
        found = self._controller.objects("peerauthentications", pod.namespace).items
        return InForce(authorizations, strict_policy(found, pod.app))


def strict_policy(policies: Sequence[Json], app: str) -> str:
    """The PeerAuthentication by which the pods of an application take mutual TLS only: one that selects them comes
    before one for the namespace (Istio, PeerAuthentication). Empty if there is none."""
    own = [policy for policy in policies if dig(policy, *_LABELS, "app") == app]
    wide = [policy for policy in policies if not dig(policy, *_LABELS)]
    deciding = next(iter((*own, *wide)), None)
    return str(dig(deciding, "metadata", "name")) if dig(deciding, "spec", "mtls", "mode") == "STRICT" else ""
