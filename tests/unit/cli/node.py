"""Files of a node, as it leaves them."""

from weft.base.places import Places
from weft.model.local import ContainerOrder, PodOrder, ProxyOrder
from weft.node.sandbox import PodRecord
from weft.node.state import PodFolder, StateFolder, write_record


def make_pod(places: Places, name: str, *, namespace: str = "default", sidecar: bool = True) -> PodFolder:
    """A pod with the container `app`, and its Envoy."""
    order = PodOrder(
        uid=f"{namespace}-{name}",
        namespace=namespace,
        name=name,
        service_account="default",
        addresses=("10.244.0.5",),
        containers=(ContainerOrder(name="app", image="shop", command=("sleep", "60")),),
        proxy=ProxyOrder(bootstrap="{}") if sidecar else None,
    )
    state = StateFolder(places.node)
    state.create()
    folder = state.pod(order.uid)
    folder.create()
    write_record(folder.record, PodRecord(order=order, created=0))
    return folder
