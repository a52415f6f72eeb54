"""The pods of the running mesh, as the demo names them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct

from weft.cli.manifests import Json, dig, items
from weft.dialects.kubernetes.pod import PROXY_ADDRESS

_PROXY: Final = "istio-proxy"


class Pod(Struct, frozen=True, kw_only=True):
    """One pod. `label` is its application `app`, with the version where there are several of them. In a gateway's pod
    there is an Envoy and no application. `proxy_address` is that of its Envoy, where that has one of its own."""

    namespace: str
    name: str
    app: str
    label: str
    address: str
    account: str
    has_proxy: bool
    is_gateway: bool = False
    proxy_address: str = ""

    @property
    def identity(self) -> str:
        """Who it is in the mesh: namespace and service account."""
        return f"ns/{self.namespace}/sa/{self.account}"


def pods_of(manifests: Iterable[Json]) -> tuple[Pod, ...]:
    """The pods in a list of objects as Kubernetes writes them."""
    listed = list(manifests)
    versions = Counter(app for app, _ in {_app_and_version(pod) for pod in listed})
    return tuple(_pod(pod, versions) for pod in listed)


def with_label(pods: Iterable[Pod], label: str) -> Pod | None:
    """The first pod of that label."""
    return next((pod for pod in pods if pod.label == label), None)


def _pod(manifest: Json, versions: Mapping[str, int]) -> Pod:
    app, version = _app_and_version(manifest)
    containers = {container.get("name") for container in items(manifest, "status", "containerStatuses")}
    return Pod(
        namespace=str(dig(manifest, "metadata", "namespace")),
        name=str(dig(manifest, "metadata", "name")),
        app=app,
        label=f"{app} {version}" if versions[app] > 1 else app,
        address=str(dig(manifest, "status", "podIP")),
        account=str(dig(manifest, "spec", "serviceAccountName")),
        has_proxy=_PROXY in containers,
        is_gateway=containers == {_PROXY},
        proxy_address=str(dig(manifest, "metadata", "annotations", PROXY_ADDRESS) or ""),
    )


def _app_and_version(manifest: Json) -> tuple[str, str]:
    labels = dig(manifest, "metadata", "labels") or {}
    return str(labels.get("app", "")), str(labels.get("version", ""))
