"""What is in force at a workload, and in which order it is judged."""

from msgspec.structs import replace
from tests.unit.mesh.access.policies import SERVER, policy, source

from weft.ir.values import Selector, Target
from weft.mesh.access.authorization import authorizations_for

LABELS = (("app", "in", ("t",)),)
POLICY = policy()


def test_only_targets_that_include_the_workload_are_in_force() -> None:
    inside = [
        Target("mesh"),
        Target("namespace", "n"),
        Target("workloads", "n", select=Selector(("n",), labels=LABELS)),  # type: ignore[arg-type]
        Target("workloads", "root", select=Selector(None, labels=LABELS)),  # type: ignore[arg-type]
    ]
    outside = [
        Target("namespace", "m"),
        Target("workloads", "m", select=Selector(("m",), labels=LABELS)),  # type: ignore[arg-type]
        Target("workloads", "n", select=Selector(("n",), labels=(("app", "in", ("x",)),))),
        Target("service", "n", "t"),
        Target("gateway", "n", "g"),
    ]
    found = authorizations_for([replace(POLICY, target=target) for target in (*outside, *inside)], SERVER)
    assert {each.target for each in found} == set(inside)


def test_directions_are_apart() -> None:
    out = replace(POLICY, direction="out")
    assert authorizations_for([out, POLICY], SERVER) == (POLICY,)
    assert authorizations_for([out, POLICY], SERVER, "out") == (out,)


def test_order_is_gate_tier_age_and_name() -> None:
    ordered = [
        replace(POLICY, gate="network", tier=200),
        replace(POLICY, gate="request", tier=0, source=source("z", created=9)),
        replace(POLICY, gate="request", tier=2, source=source("z", created=1)),
        replace(POLICY, gate="request", tier=2, source=source("a", created=2)),
        replace(POLICY, gate="request", tier=2, source=source("b", created=2)),
        replace(POLICY, gate="port", tier=0),
    ]
    assert authorizations_for(reversed(ordered), SERVER) == tuple(ordered)
