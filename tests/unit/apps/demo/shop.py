"""A bookshop on paper: its pods, lines of its proxies' logs, and what is seen when all is as it should be."""

import re
from typing import Final

from msgspec.structs import replace

from weft.apps.demo import expected
from weft.apps.demo.access_log import LogLine, read_line
from weft.apps.demo.attempts import Attempt, Tried
from weft.apps.demo.calls import OUTSIDE, Call, calls_of
from weft.apps.demo.mesh import InForce
from weft.apps.demo.observation import Observation
from weft.apps.demo.pages import Hop, Page
from weft.apps.demo.pods import Pod
from weft.base import protobuf
from weft.envoy.access_log import access_logs
from weft.ir.settings import MeshSettings

OPERATOR: Final = re.compile(r"%([A-Z_]+)(?:\(([^)]*)\))?%")
START: Final = "2026-03-01T10:00:00.250Z"
DOMAIN: Final = "cluster.local"


def pod(label: str, address: str, account: str, namespace: str = "bookshop", **other: bool) -> Pod:
    return Pod(
        namespace=namespace,
        name=f"{label.replace(' ', '-')}-1-2",
        app=label.split()[0],
        label=label,
        address=address,
        account=account,
        has_proxy=other.get("has_proxy", True),
        is_gateway=other.get("is_gateway", False),
    )


PODS: Final = (
    pod("gateway", "10.244.0.2", "gateway", "bookshop-ingress", is_gateway=True),
    pod("productpage", "10.244.0.11", "productpage"),
    pod("details", "10.244.0.12", "details"),
    pod("reviews v1", "10.244.0.13", "reviews"),
    pod("reviews v2", "10.244.0.14", "reviews"),
    pod("reviews v3", "10.244.0.15", "reviews"),
    pod("ratings", "10.244.0.16", "ratings"),
    pod("store", "10.244.0.17", "store"),
    pod("visitor", "10.244.0.18", "visitor", "visitors"),
    pod("legacy", "10.244.0.19", "legacy", "legacy", has_proxy=False),
)


def named(label: str) -> Pod:
    return next(pod for pod in PODS if pod.label == label)


def text(level: str = "http", **values: str) -> str:
    """A line as Envoy would write it by Weft's own format. `values` are of operators, by the name of the operator or,
    in lower case, by its argument: `%REQ(:METHOD)%` is `method`."""
    (log,) = access_logs(MeshSettings(access_log="/dev/stdout"), "tcp" if level == "tcp" else "http")
    form = protobuf.to_dict(protobuf.unpack(log["typed_config"]))["logFormat"]["textFormatSource"]["inlineString"]

    def value(found: re.Match[str]) -> str:
        argument = re.sub("[^a-z]+", "_", (found[2] or "").lower()).strip("_")
        return values.get(found[1]) or values.get(argument) or (START if found[1] == "START_TIME" else _default(found))

    return OPERATOR.sub(value, form).rstrip("\n")


def _default(found: re.Match[str]) -> str:
    return "0" if found[1] in ("RESPONSE_CODE", "BYTES_SENT", "BYTES_RECEIVED", "DURATION") else "-"


def line(level: str = "http", **values: str) -> LogLine:
    found = read_line(text(level, **values))
    assert found is not None
    return found


def to(called: str, caller: str, **values: str) -> LogLine:
    """A request of one pod to another, as the sidecar of the called one logs it; answered unless `values` say else."""
    usual = {
        "RESPONSE_CODE": "200",
        "RESPONSE_CODE_DETAILS": "via_upstream",
        "method": "GET",
        "x_envoy_original_path_path": "/",
        "UPSTREAM_CLUSTER_RAW": "inbound|8080||",
        "DOWNSTREAM_LOCAL_ADDRESS": f"{named(called).address}:8080",
        "DOWNSTREAM_REMOTE_ADDRESS": f"{named(caller).address}:40000",
        "DOWNSTREAM_PEER_URI_SAN": f"spiffe://{DOMAIN}/{named(caller).identity}",
    }
    return line(**(usual | values))


def calls(called: str, *lines: LogLine) -> tuple[Call, ...]:
    return calls_of({named(called): lines}, PODS)


def answered(caller: str, called: str) -> Call:
    found = None if caller == OUTSIDE else named(caller)
    return Call(
        caller=caller,
        identity=found.identity if found else "",
        domain=DOMAIN if found else "",
        account=found.identity if found else "",
        called=called,
        protocol="TCP" if called == "store" else "HTTP",
        method="" if called == "store" else "GET",
        path="" if called == "store" else "/",
        status=0 if called == "store" else 200,
        outcome="answered",
    )


def refused(attempt: Attempt) -> Call:
    call = answered(attempt.caller, attempt.called)
    bare = attempt.outcome in ("plain text", "no route")
    tcp = attempt.called == "store" or attempt.outcome == "plain text"
    return replace(
        call,
        outcome=attempt.outcome,
        policies=() if tcp else attempt.policies,
        identity="" if bare else call.identity,
        domain="" if bare else call.domain,
        protocol="TCP" if tcp else "HTTP",
        method="" if tcp else attempt.request.method if attempt.request else "GET",
        path="" if tcp else attempt.request.path if attempt.request else "/1",
        status=0 if tcp else int(attempt.answers[0]),
    )


def page(version: str) -> Page:
    gateway, front = named("gateway").identity, named("productpage").identity
    return Page(200, hops=(Hop("productpage", "v1", gateway), Hop("reviews", version, front)))


def observation(**changes: object) -> Observation:
    """Everything as it should be, but for `changes`."""
    return replace(
        Observation(
            pages=(page("v1"),) * 320 + (page("v2"),) * 60 + (page("v3"),) * 20,
            tester_pages=(page("v3"),) * 20,
            allowed=tuple(Tried(attempt, attempt.answers[0]) for attempt in expected.ALLOWED),
            refused=tuple(Tried(attempt, attempt.answers[0]) for attempt in expected.REFUSED),
            calls=(
                *(answered(caller, called) for caller, called in expected.CALLS),
                *(refused(attempt) for attempt in expected.REFUSED),
            ),
            in_force={
                "store": InForce(("allow-nothing", "store-callers")),
                "productpage": InForce(("allow-nothing", "productpage-callers"), "default"),
            },
        ),
        **changes,
    )
