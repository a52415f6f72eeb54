"""Random states of parts of a mesh. Whatever is drawn, the loads of `shop` must not notice.

Each part has a file of its own. A state is a list of objects; none means that there is no file.
"""

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, Final

from tests.e2e.mesh.harness.manifests import Manifest, server, service
from tests.e2e.soak.shop import CLIENTS, FRONT, GATEWAY_PORT, PORTS

Drawn = list[Manifest]
_NETWORKING: Final = "networking.istio.io/v1"
_SECURITY: Final = "security.istio.io/v1"


def istio(kind: str, name: str, spec: Any, namespace: str = "shop") -> Manifest:
    """An object of Istio's APIs."""
    group = _SECURITY if kind in ("AuthorizationPolicy", "PeerAuthentication") else _NETWORKING
    return {"apiVersion": group, "kind": kind, "metadata": {"name": name, "namespace": namespace}, "spec": spec}


# ---- routes and clusters of what the loads use ----------------------------------------------------------------------
def routes(random: Random) -> Drawn:
    """Subsets of `echo`, and weights between them, or neither."""
    form = random.choice(("nothing", "policy", "subsets", "weights", "weights", "plain"))
    policy = {"trafficPolicy": traffic_policy(random)} if random.random() < 0.7 else {}
    subsets = [{"name": each, "labels": {"version": each}} | _maybe(random, policy) for each in ("v1", "v2")]
    if form == "nothing":
        return []
    if form == "policy":
        return [istio("DestinationRule", "echo", {"host": "echo", **policy})]
    if form == "plain":
        return [istio("VirtualService", "echo", {"hosts": ["echo"], "http": [http_route(random, [("echo", None)])]})]
    rule = istio("DestinationRule", "echo", {"host": "echo", "subsets": subsets, **policy})
    if form == "subsets":
        return [rule]
    weighted = http_route(random, [("echo", "v1"), ("echo", "v2")])
    matched = {"match": [{"headers": {"x-canary": {"exact": "yes"}}}]} | http_route(random, [("echo", "v2")])
    spec = {"hosts": ["echo"], "http": [*_some(random, [matched]), weighted]}
    return [rule, istio("VirtualService", "echo", spec)]


def steady(random: Random) -> Drawn:
    """Policies and routes of `steady`, of HTTP and of bytes."""
    rule = istio("DestinationRule", "steady", {"host": "steady", "trafficPolicy": traffic_policy(random)})
    http = {"http": [http_route(random, [("steady", None)])]}
    to = {"destination": {"host": "steady", "port": {"number": 9000}}}
    tcp = {"tcp": [{"match": [{"port": 9000}], "route": [to]}]}
    spec = {"hosts": ["steady"], **http, **_maybe(random, tcp)}
    return _some(random, [rule, istio("VirtualService", "steady", spec)])


def http_route(random: Random, to: Sequence[tuple[str, str | None]]) -> dict[str, Any]:
    """A route to hosts and their subsets, with random weights and settings that do no harm."""
    first = random.choice((0, 1, 10, 50, 90, 100)) if len(to) > 1 else 100
    weights = (first, 100 - first)
    route = [
        {
            "destination": {"host": host, "port": {"number": 80}} | ({"subset": subset} if subset else {}),
            "weight": weight,
        }
        for (host, subset), weight in zip(to, weights, strict=False)
    ]
    settings = [
        {"timeout": f"{random.randint(8, 30)}s"},
        {"headers": {"response": {"set": {f"x-mark-{random.randint(0, 3)}": str(random.random())}}}},
        {"headers": {"request": {"add": {"x-added": str(random.random())}}}},
        {"retries": {"attempts": random.choice((0, 0, 1, 3)), "perTryTimeout": "8s"}},
    ]
    chosen: dict[str, Any] = {"route": route}
    for each in _some(random, settings):
        chosen |= each
    return chosen


def traffic_policy(random: Random) -> dict[str, Any]:
    """Settings of clusters, wide enough for the loads."""
    pools: tuple[dict[str, Any], ...] = (
        {},
        {"http": {"maxRequestsPerConnection": random.choice((1, 5, 100))}},
        {"http": {"idleTimeout": f"{random.randint(3, 30)}s"}, "tcp": {"connectTimeout": "5s"}},
        {"tcp": {"maxConnections": 1000}, "http": {"http2MaxRequests": 1000, "h2UpgradePolicy": "DO_NOT_UPGRADE"}},
    )
    balancers = ("ROUND_ROBIN", "LEAST_REQUEST", "RANDOM", "UNSPECIFIED")
    policy: dict[str, Any] = {"loadBalancer": {"simple": random.choice(balancers)}}
    return (
        policy
        | _maybe(random, {"connectionPool": random.choice(pools)})
        | _maybe(random, {"tls": {"mode": "ISTIO_MUTUAL"}})
    )


# ---- what others have -----------------------------------------------------------------------------------------------
def others(random: Random) -> Drawn:
    """Services, routes and hosts that nobody calls."""
    found: Drawn = []
    for number in random.sample(range(12), random.randint(0, 6)):
        name = f"other{number}"
        found.append(service(random.choice(("shop", "far")), name, PORTS[: random.randint(1, 2)], app="nobody"))
        host = f"{name}.example"
        ports = [{"number": random.choice((80, 443, 9000)), "name": "http-x", "protocol": "HTTP"}]
        entry = {"hosts": [host], "ports": ports, "resolution": "STATIC", "endpoints": [{"address": "192.0.2.1"}]}
        more = [
            istio("ServiceEntry", name, entry, random.choice(("shop", "far"))),
            istio("VirtualService", name, {"hosts": [host], "http": [http_route(random, [("steady", None)])]}),
            istio("DestinationRule", name, {"host": host, "trafficPolicy": traffic_policy(random)}),
        ]
        found += _some(random, more)
    return found


# ---- who may call ---------------------------------------------------------------------------------------------------
def authorization(random: Random) -> Drawn:
    """Policies under which all loads are allowed."""
    principals = [f"cluster.local/ns/{each}" for each in CLIENTS]
    app = {"selector": {"matchLabels": {"app": random.choice(("echo", "steady"))}}}
    by_name = {"rules": [{"from": [{"source": {"principals": principals}}]}]}
    by_namespace = {"rules": [{"from": [{"source": {"namespaces": ["shop", "far", "ingress"]}}]}]}
    path = {"operation": {"paths": [f"/forbidden/{random.randint(0, 9)}*"], "ports": ["8080"]}}
    denied = {"action": "DENY", "rules": [{"to": [path]}]}
    nobody = {"from": [{"source": {"principals": ["cluster.local/ns/shop/sa/nobody"]}}]}
    return _some(
        random,
        [
            istio("AuthorizationPolicy", "named", random.choice((app, {})) | by_name),
            istio("AuthorizationPolicy", "spaces", random.choice((app, {})) | by_namespace),
            istio("AuthorizationPolicy", "all", {**app, "rules": [{}]}),
            istio("AuthorizationPolicy", "path", {**app, **denied}),
            istio("AuthorizationPolicy", "nobody", {"action": "DENY", "rules": [nobody]}),
        ],
    )


def authentication(random: Random) -> Drawn:
    """Mutual TLS is asked for, or accepted."""
    modes = ("STRICT", "PERMISSIVE", "UNSET")
    ports = {8080: {"mode": random.choice(modes[:2])}}
    app = {"selector": {"matchLabels": {"app": random.choice(("echo", "steady"))}}, "portLevelMtls": ports}
    return _some(
        random,
        [
            istio("PeerAuthentication", "default", {"mtls": {"mode": random.choice(modes)}}),
            istio("PeerAuthentication", "default", {"mtls": {"mode": random.choice(modes)}}, "istio-system"),
            istio("PeerAuthentication", "app", app | {"mtls": {"mode": random.choice(modes)}}),
        ],
    )


# ---- what is seen, and where it is ----------------------------------------------------------------------------------
def scopes(random: Random) -> Drawn:
    """Sidecars that see at least what they call."""
    wide = random.choice((["./*"], ["./*", "far/*"], ["*/*"], ["shop/*", "istio-system/*"]))
    chosen = {
        "workloadSelector": {"labels": {"app": "client"}},
        "egress": [{"hosts": ["./*", "far/other1.far.svc.cluster.local"]}],
    }
    return _some(
        random,
        [
            istio("Sidecar", "default", {"egress": [{"hosts": wide}]}),
            istio("Sidecar", "client", chosen),
            istio("Sidecar", "default", {"egress": [{"hosts": random.choice((["shop/*"], ["*/*"]))}]}, "far"),
        ],
    )


def gateway(random: Random) -> Drawn:
    """The gateway always serves the host that is called; others come and go."""
    more = [f"more{number}.example" for number in random.sample(range(5), random.randint(0, 3))]
    servers = [{"port": {"name": "http", "number": GATEWAY_PORT, "protocol": "HTTP"}, "hosts": [FRONT, *more]}]
    extra = {"port": {"name": "http-extra", "number": 8090, "protocol": "HTTP"}, "hosts": ["*"]}
    spec = {"selector": {"istio": "gateway"}, "servers": [*servers, *_some(random, [extra])]}
    hosts = {"hosts": [FRONT, *more], "gateways": ["ingress/front"]}
    route = http_route(random, [("echo", None), ("steady", None)])
    return [
        istio("Gateway", "front", spec, "ingress"),
        istio("VirtualService", "front", {**hosts, "http": [route]}),
    ]


def replicas(random: Random) -> Drawn:
    """Pods of `echo` come and go, one by one or because they are all replaced."""
    found = []
    for version in ("v1", "v2"):
        deployment = server("shop", "echo", version=version, replicas=random.randint(1, 2), tcp=(9000,))
        revision = str(random.randint(1, 2)) if random.random() < 0.3 else "1"
        deployment["spec"]["template"]["metadata"]["annotations"] = {"example.org/revision": revision}
        found.append(deployment)
    return found


def slices(addresses: Sequence[str]) -> Callable[[Random], Drawn]:
    """Draws endpoints that are said by hand: some of these addresses."""

    def draw(random: Random) -> Drawn:
        chosen = random.sample(addresses, random.randint(1, len(addresses)))
        unready = [{"addresses": ["192.0.2.9"], "conditions": {"ready": False}}] if random.random() < 0.3 else []
        return [
            {
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "metadata": {
                    "name": "sliced-1",
                    "namespace": "shop",
                    "labels": {"kubernetes.io/service-name": "sliced"},
                },
                "addressType": "IPv4",
                "endpoints": [*({"addresses": [each]} for each in chosen), *unready],
                "ports": [{"name": "http", "port": 8080}],
            }
        ]

    return draw


# ---- what is wrong --------------------------------------------------------------------------------------------------
BAD: Final[tuple[Manifest, ...]] = (
    istio("VirtualService", "bad-field", {"hosts": ["echo"], "http": [{"timout": "3s"}]}),
    istio(
        "VirtualService",
        "bad-duration",
        {"hosts": ["echo"], "http": [{"timeout": "soon", "route": [{"destination": {"host": "echo"}}]}]},
    ),
    istio("DestinationRule", "bad-mode", {"host": "echo", "trafficPolicy": {"tls": {"mode": "SOMETIMES"}}}),
    istio("ServiceEntry", "bad-host", {"hosts": ["not a host"], "ports": [{"number": 80, "name": "http"}]}),
    istio(
        "Gateway",
        "bad-port",
        {
            "selector": {"istio": "gateway"},
            "servers": [{"port": {"number": 99999, "name": "x", "protocol": "HTTP"}, "hosts": ["*"]}],
        },
        "ingress",
    ),
    istio("Sidecar", "bad-type", {"egress": "everything"}),
)


def bad(random: Random) -> Drawn:
    """Objects that say what they must not. Each is refused, with one error, and the rest of the mesh stays as it is."""
    return random.sample(BAD, random.randint(0, 2))


def states(addresses: Sequence[str]) -> Mapping[str, Callable[[Random], Drawn]]:
    """What draws a state, by the part's name; `addresses` are those of pods that stay."""
    return {
        "routes": routes,
        "steady": steady,
        "others": others,
        "authorization": authorization,
        "authentication": authentication,
        "scopes": scopes,
        "gateway": gateway,
        "replicas": replicas,
        "slices": slices(addresses),
        "bad": bad,
    }


def _some(random: Random, these: list[Any]) -> list[Any]:
    return [each for each in these if random.random() < 0.5]


def _maybe(random: Random, this: dict[str, Any]) -> dict[str, Any]:
    return this if random.random() < 0.5 else {}
