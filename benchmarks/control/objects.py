"""The synthetic mesh that the control plane is asked for: services with endpoints that no pod stands behind.

A Service without a selector takes its endpoints from EndpointSlices (Kubernetes, "Services without selectors"), so that
thousands need no process. Files are what people keep: many objects in each. What changes often has a file of its own.
"""

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address
from typing import Final

from msgspec import Struct

NAMESPACE: Final = "default"
PORT: Final = 80
ENDPOINTS: Final = 2
"""Of a service, if nothing else is asked for."""

_PER_FILE: Final = 500
_HOT: Final = 100
_TARGET: Final = 8080
_FIRST_ENDPOINT: Final = int(IPv4Address("172.16.0.0"))
_FIRST_CHANGED: Final = int(IPv4Address("198.18.0.0"))
_LIMIT: Final = 1_000_000_000
_RANGES: Final = 512


class Shape(Struct, frozen=True):
    """How large a mesh is; `workloads` is how many Deployments the proxies are divided among, `endpoints` how many each
    service has."""

    services: int
    proxies: int
    workloads: int
    endpoints: int = ENDPOINTS

    @property
    def hot(self) -> int:
        """So many services have their endpoints in files of their own, and as many in one file together."""
        return min(_HOT, self.services // 4)


def files(shape: Shape) -> Iterator[tuple[str, str]]:
    """Yields the names and texts of all files."""
    yield "mesh.yaml", joined([_NAMESPACE, *map(_deployment, range(shape.workloads), _replicas(shape))])
    for begin in range(0, shape.services, _PER_FILE):
        numbers = range(begin, min(begin + _PER_FILE, shape.services))
        yield f"services-{begin // _PER_FILE:03}.yaml", joined(service(service_name(each)) for each in numbers)
        cold = [each for each in numbers if each >= 2 * shape.hot]
        if cold:
            yield f"endpoints-{begin // _PER_FILE:03}.yaml", endpoints(cold, of=shape.endpoints)
    for number in range(shape.hot):
        yield hot_file(number), endpoints([number], of=shape.endpoints)
    yield BATCH_FILE, endpoints(range(shape.hot, 2 * shape.hot), of=shape.endpoints)
    yield ROUTE_FILE, route(0)
    yield RULE_FILE, rule(0)
    yield ANNOTATED_FILE, service("annotated", 0)


BATCH_FILE: Final = "batch.yaml"
ROUTE_FILE: Final = "route.yaml"
RULE_FILE: Final = "rule.yaml"
ANNOTATED_FILE: Final = "annotated.yaml"

_NAMESPACE: Final = f"""\
apiVersion: v1
kind: Namespace
metadata: {{name: {NAMESPACE}, labels: {{istio-injection: enabled}}}}
"""


def hot_file(number: int) -> str:
    """Returns the name of the file with the endpoints of one service."""
    return f"hot-{number:03}.yaml"


def service_name(number: int) -> str:
    """Returns the name of a service."""
    return f"service-{number}"


def service(name: str, revision: int | None = None) -> str:
    """Returns a Service; `revision` is an annotation that means nothing."""
    note = f", annotations: {{example.org/revision: '{revision}'}}" if revision is not None else ""
    return f"""\
apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: {NAMESPACE}{note}}}
spec:
  ports: [{{name: http, port: {PORT}, targetPort: {_TARGET}}}]
"""


def endpoints(numbers: Iterable[int], changed: str | None = None, *, of: int = ENDPOINTS) -> str:
    """Returns the EndpointSlices of some services, `of` so many endpoints each; `changed` is another address of their
    first ones."""
    return joined(endpoint_slice(service_name(each), _addresses(each, of, changed)) for each in numbers)


def endpoint_slice(name: str, addresses: Iterable[str]) -> str:
    """Returns the EndpointSlice of a service."""
    listed = "\n".join(f"  - addresses: [{address}]" for address in addresses)
    return f"""\
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: {name}
  namespace: {NAMESPACE}
  labels: {{kubernetes.io/service-name: {name}}}
addressType: IPv4
ports: [{{name: http, port: {_TARGET}}}]
endpoints:
{listed}
"""


def changed_address(revision: int) -> str:
    """Returns the address that only endpoints of this revision have; none is the begin of another's text.

    It is of 198.18.0.0/15 (RFC 2544). Raises ValueError where there is none left.
    """
    high, low = divmod(revision, 100)
    if not 0 <= high < _RANGES:
        raise ValueError(f"there is no address for revision {revision}")
    return str(IPv4Address(_FIRST_CHANGED + high * 256 + low + 100))


def _addresses(number: int, count: int, changed: str | None) -> list[str]:
    own = [str(IPv4Address(_FIRST_ENDPOINT + number * count + each)) for each in range(count)]
    return own if changed is None else [changed, *own[1:]]


def route(revision: int) -> str:
    """Returns a VirtualService for the first service."""
    return f"""\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: changing, namespace: {NAMESPACE}}}
spec:
  hosts: [{service_name(0)}]
  http:
  - route: [{{destination: {{host: {service_name(0)}}}}}]
    timeout: 15s
    headers: {{response: {{set: {{x-revision: {revision_text(revision)}}}}}}}
"""


def revision_text(revision: int) -> str:
    """Returns the text that only routes of this revision have."""
    return f"revision-{revision}-of-the-route"


def rule(revision: int) -> str:
    """Returns a DestinationRule for the second service."""
    return f"""\
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {{name: changing, namespace: {NAMESPACE}}}
spec:
  host: {service_name(1)}
  trafficPolicy: {{connectionPool: {{tcp: {{maxConnections: {revision_limit(revision)}}}}}}}
"""


def revision_limit(revision: int) -> int:
    """Returns the limit that only clusters of this revision have."""
    return _LIMIT + revision


def _replicas(shape: Shape) -> list[int]:
    least, more = divmod(shape.proxies, shape.workloads)
    return [least + (number < more) for number in range(shape.workloads)]


def _deployment(number: int, replicas: int) -> str:
    return f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: client-{number}, namespace: {NAMESPACE}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: client-{number}}}}}
  template:
    metadata: {{labels: {{app: client-{number}}}}}
    spec:
      containers: [{{name: client, image: example.org/client, command: [sleep, infinity]}}]
"""


def joined(documents: Iterable[str]) -> str:
    """Returns the text of a file with some documents."""
    return "---\n".join(documents)
