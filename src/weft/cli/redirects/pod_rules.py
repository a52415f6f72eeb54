"""The pod that `weft redirect` is asked about: which one is meant, and its rules."""

from weft.base.places import Places
from weft.cli.node_files import PodFiles, known_pods
from weft.cli.targets import PodName, find_pod
from weft.node.live_rules import LiveRules
from weft.redirect.plan import Family

FAMILIES: dict[Family, str] = {"ip": "IPv4", "ip6": "IPv6"}


def pod_of(places: Places, target: str, namespace: str) -> PodName:
    """The pod that is meant, also by `NAMESPACE/NAME`. Raises Failure."""
    before, slash, after = target.partition("/")
    if slash and (before, after) in known_pods(places):
        return PodName(before, after)
    return find_pod(places, target, namespace)


def rules_of(places: Places, pod: PodName) -> LiveRules:
    """The pod's rules. Raises Failure."""
    return PodFiles(places, pod.namespace, pod.name).rules()
