"""Which PeerAuthentication makes a pod take mutual TLS only."""

from typing import Any

import pytest

from weft.apps.demo.mesh import strict_policy


def policy(name: str, mode: str, **labels: str) -> dict[str, Any]:
    selector = {"selector": {"matchLabels": labels}} if labels else {}
    return {"metadata": {"name": name}, "spec": {"mtls": {"mode": mode}, **selector}}


@pytest.mark.parametrize(
    ("policies", "name"),
    [
        ((), ""),
        ((policy("default", "STRICT"),), "default"),
        ((policy("default", "PERMISSIVE"),), ""),
        ((policy("default", "STRICT"), policy("own", "PERMISSIVE", app="productpage")), ""),
        ((policy("default", "PERMISSIVE"), policy("own", "STRICT", app="productpage")), "own"),
        ((policy("default", "STRICT"), policy("other", "PERMISSIVE", app="details")), "default"),
    ],
)
def test_the_narrower_one_decides(policies: tuple[dict[str, Any], ...], name: str) -> None:
    assert strict_policy(policies, "productpage") == name
