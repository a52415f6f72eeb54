"""Which pod is meant by `POD`, `POD.NAMESPACE`, `pod/NAME`, `deploy/NAME` or `job/NAME`."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgspec import Struct

from weft.base.places import Places
from weft.cli.api import Controller
from weft.cli.errors import Failure
from weft.cli.manifests import dig, is_ready
from weft.cli.node_files import known_pods

_POD_WORDS: Final = frozenset({"pod", "pods", "po"})
_DEPLOYMENT_WORDS: Final = frozenset({"deploy", "deployment", "deployments", "deployment.apps", "deployments.apps"})
_JOB_WORDS: Final = frozenset({"job", "jobs", "job.batch", "jobs.batch"})
_JOB_NAME: Final = "batch.kubernetes.io/job-name"
_OPERATORS: Final = {
    "In": "{key} in ({values})",
    "NotIn": "{key} notin ({values})",
    "Exists": "{key}",
    "DoesNotExist": "!{key}",
}


class PodName(Struct, frozen=True):
    """Namespace and name of a pod."""

    namespace: str
    name: str


def find_pod(places: Places, target: str, namespace: str) -> PodName:
    """The pod that is meant; of a Deployment or Job one that is ready, if there is any. Raises Failure.

    Names of pods are looked up in the node's files: no controller is needed for them. A name that is not known there is
    returned as it is.
    """
    kind, slash, name = target.rpartition("/")
    if not slash or kind.lower() in _POD_WORDS:
        return _by_name(places, name, namespace)
    if kind.lower() in _DEPLOYMENT_WORDS:
        return _of_deployment(Controller(places), name, namespace)
    if kind.lower() in _JOB_WORDS:
        return _of_job(Controller(places), name, namespace)
    raise Failure(f"{target} is no pod", hint="name a pod, deploy/NAME or job/NAME")


def selector_text(selector: Mapping[str, Any]) -> str:
    """A Kubernetes LabelSelector in the form of `-l`."""
    return ",".join(_terms(selector))


def _terms(selector: Mapping[str, Any]) -> Iterator[str]:
    for key, value in (selector.get("matchLabels") or {}).items():
        yield f"{key}={value}"
    for term in selector.get("matchExpressions") or ():
        values = ",".join(term.get("values") or ())
        yield _OPERATORS[term["operator"]].format(key=term["key"], values=values)


def _by_name(places: Places, name: str, namespace: str) -> PodName:
    known = known_pods(places)
    before, dot, after = name.rpartition(".")
    if (namespace, name) not in known and dot and (after, before) in known:
        return PodName(after, before)
    return PodName(namespace, name)


def _of_deployment(controller: Controller, name: str, namespace: str) -> PodName:
    deployment = controller.object("deployments.apps", namespace, name)
    selector = selector_text(dig(deployment, "spec", "selector") or {})
    return _best_pod(controller, selector, namespace, kind="Deployment", name=name)


def _of_job(controller: Controller, name: str, namespace: str) -> PodName:
    controller.object("jobs.batch", namespace, name)
    return _best_pod(controller, f"{_JOB_NAME}={name}", namespace, kind="Job", name=name)


def _best_pod(controller: Controller, selector: str, namespace: str, *, kind: str, name: str) -> PodName:
    """A pod that is ready, else the youngest."""
    pods = controller.objects("pods", namespace, selector).items
    if not pods:
        hint = f"`weft describe {kind.lower()} {name} -n {namespace}` tells more"
        raise Failure(f"{kind} {namespace}/{name} has no pods", hint=hint)
    best = max(pods, key=lambda pod: (is_ready(pod), str(dig(pod, "metadata", "creationTimestamp"))))
    return PodName(namespace, str(dig(best, "metadata", "name")))
