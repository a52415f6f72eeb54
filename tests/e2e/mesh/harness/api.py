"""The controller's API, as tests ask it."""

from typing import Any, Literal
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from weft.base.issues import LocatedIssue
from weft.base.places import Places
from weft.cli.unix_http import Answer, NoAnswerError, Request, ask
from weft.dialects.kubernetes.pod import PROXY_ADDRESS
from weft.model.local import Credentials
from weft.serve.ads.states import ProxyState


class UnansweredError(AssertionError):
    """The controller does not answer (now)."""


class Unit(Struct, frozen=True):
    """A process of a pod as its status tells it."""

    name: str
    pid: int | None
    restarts: int
    ready: bool


class Pod(Struct, frozen=True):
    """A pod as its status tells it. `proxy` is where its Envoy is called: another address where nothing
    is captured. `units` are its containers, Envoy among them as `istio-proxy`."""

    uid: str
    namespace: str
    name: str
    address: str
    proxy: str
    ready: bool
    ending: bool
    labels: dict[str, str]
    units: dict[str, Unit]

    @property
    def pids(self) -> dict[str, int | None]:
        """The process ids of its units by name."""
        return {name: unit.pid for name, unit in self.units.items()}


class Api:
    """Questions to the controller of a mesh."""

    def __init__(self, places: Places) -> None:
        self._places = places

    def get(self, target: str) -> Any:
        """The answer to a GET, which must succeed."""
        answer = self.ask(target)
        assert answer.status == 200, f"GET {target}: {answer.status} {answer.body!r}"
        return msgspec.json.decode(answer.body)

    def ask(self, target: str, method: Literal["GET", "POST", "DELETE"] = "GET", body: Any = None) -> Answer:
        """Any request; UnansweredError if nobody answers."""
        data = msgspec.json.encode(body) if body is not None else b""
        try:
            return ask(self._places.controller_socket, Request(target, method, data), timeout=20.0)
        except NoAnswerError as error:
            raise UnansweredError(str(error)) from error

    def has(self, kind: str, namespace: str, name: str) -> bool:
        """Whether there is such an object."""
        return self.ask(f"/v1/objects/{kind}/{name}?{urlencode({'namespace': namespace})}").status == 200

    def pods(self, namespace: str | None = None, **labels: str) -> list[Pod]:
        """The pods with these labels that are not ending."""
        found = [_pod(each) for each in self.get("/v1/objects/pods")["items"]]
        wanted = labels.items()
        return [p for p in found if not p.ending and namespace in (None, p.namespace) and wanted <= p.labels.items()]

    def pod(self, namespace: str | None = None, **labels: str) -> Pod:
        """The one pod with these labels."""
        found = self.pods(namespace, **labels)
        assert len(found) == 1, f"pods with {labels}: {[pod.name for pod in found]}"
        return found[0]

    def issues(self) -> list[LocatedIssue]:
        """Everything that is wrong."""
        return msgspec.json.decode(self.ask("/v1/issues").body, type=list[LocatedIssue])

    def proxies(self) -> list[ProxyState]:
        """How far all connected proxies have got."""
        return msgspec.json.decode(self.ask("/v1/proxies").body, type=list[ProxyState])

    def credentials(self, uid: str) -> Credentials | None:
        """A new token for a pod's Envoy, as the node gets it; None if the controller knows no such pod."""
        answer = self.ask("/v1/node/credentials", "POST", {"uid": uid})
        return msgspec.json.decode(answer.body, type=Credentials) if answer.status == 200 else None


def _pod(item: dict[str, Any]) -> Pod:
    metadata, status = item["metadata"], item["status"]
    units = [_unit(each) for each in status.get("containerStatuses", ())]
    return Pod(
        uid=metadata["uid"],
        namespace=metadata["namespace"],
        name=metadata["name"],
        address=status.get("podIP", ""),
        proxy=(metadata.get("annotations") or {}).get(PROXY_ADDRESS, status.get("podIP", "")),
        ready=any(each["type"] == "Ready" and each["status"] == "True" for each in status.get("conditions", ())),
        ending="deletionTimestamp" in metadata,
        labels=metadata.get("labels") or {},
        units={unit.name: unit for unit in units},
    )


def _unit(status: dict[str, Any]) -> Unit:
    running = status["state"].get("running") or {}
    return Unit(status["name"], running.get("pid"), status["restartCount"], status["ready"])
