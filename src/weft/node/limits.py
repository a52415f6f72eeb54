"""What each isolation is, and what it can't do, in words: said by `weft up`, `weft demo` and `weft status`, and in
docs/concepts/isolation.md."""

from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct

from weft.model.local import Isolation
from weft.node.choice import Choice

_ONE_USER: Final = (
    "All processes belong to one user: identities of workloads are for trying things out and no security boundary.",
    "A container whose runAsUser or runAsGroup is another one than yours is not started.",
)


class Description(Struct, frozen=True):
    """What an isolation is made of, and whole sentences on what it can't do."""

    made_of: str
    limits: tuple[str, ...] = ()


DESCRIPTIONS: Final[Mapping[Isolation, Description]] = {
    "netns": Description("a network namespace for each pod, and users of their own"),
    "userns": Description(
        "a network namespace for each pod, all in a user namespace of yours",
        (
            *_ONE_USER,
            "Pods reach nothing but the mesh: this machine and its networks are outside of their namespaces.",
            "From outside, TCP ports of gateways and of pods with hostNetwork are reached through a forwarder.",
            "TPROXY is not available: a pod that asks for it does not start.",
        ),
    ),
    "loopback": Description(
        "an address of the loopback range for each pod",
        (
            *_ONE_USER,
            "Nothing is captured: what an application sends through its http_proxy is in the mesh, the rest is not.",
            "STRICT mutual TLS can't be enforced: whoever is on this machine may call an application past its sidecar.",
            "Applications must listen on $POD_IP, and names of services mean something to the http_proxy only.",
        ),
    ),
}


def limits_of(isolation: str) -> tuple[str, ...]:
    """What the isolation of this name can't do."""
    return next((found.limits for name, found in DESCRIPTIONS.items() if name == isolation), ())


def introduction(choice: Choice) -> Iterator[str]:
    """What was chosen, why better ones were not, and what the choice can't do; a line each."""
    description = DESCRIPTIONS[choice.isolation]
    yield f"isolation {choice.isolation}: {description.made_of}"
    for isolation, reason in choice.refused:
        yield f"  {isolation} does not work here: {reason}"
    for limit in description.limits:
        yield f"  - {limit}"
