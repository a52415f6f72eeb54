"""What names and metadata of resources say: the forms are Istio's."""

from msgspec import Struct

_SUBSET_PARTS = 4
_PATH = ("apis", "networking.istio.io")
_PATH_PARTS = 7


class ClusterName(Struct, frozen=True):
    """`<direction>|<port>|<subset>|<host>` taken apart; a name of another form is all `host`, `port` is then 0."""

    host: str
    port: int = 0
    subset: str = ""
    direction: str = ""


class Metadata(Struct, frozen=True):
    """Metadata of a resource, as far as it is Istio's (`filter_metadata.istio`)."""

    filter_metadata: dict[str, dict[str, object]] = {}

    @property
    def config(self) -> str:
        """`<name>.<namespace>` of the object that the resource was made of; "" where it does not say."""
        return object_of(self.filter_metadata.get("istio", {}).get("config"))


def parse_cluster_name(name: str) -> ClusterName:
    """Takes the name of a cluster apart; never fails."""
    parts = name.split("|")
    if len(parts) != _SUBSET_PARTS or not parts[1].isdecimal():
        return ClusterName(name)
    direction, port, subset, host = parts
    return ClusterName(host, int(port), subset, direction)


def object_of(path: object) -> str:
    """`reviews.default` of `/apis/networking.istio.io/v1/namespaces/default/virtual-service/reviews`, else ""."""
    parts = path.strip("/").split("/") if isinstance(path, str) else []
    if len(parts) != _PATH_PARTS or tuple(parts[:2]) != _PATH:
        return ""
    return f"{parts[6]}.{parts[4]}"
