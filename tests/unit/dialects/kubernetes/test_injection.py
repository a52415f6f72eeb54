"""Which pods get a proxy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.dialects.kubernetes.injection import injected_template, wants_sidecar

ENABLED = {"istio-injection": "enabled"}
DISABLED = {"istio-injection": "disabled"}
REVISION = {"istio.io/rev": "default"}
INJECT = "sidecar.istio.io/inject"


@pytest.mark.parametrize(
    ("namespace", "labels", "annotations", "injected"),
    [
        ({}, {}, {}, False),
        (ENABLED, {}, {}, True),
        (REVISION, {}, {}, True),
        (DISABLED, {}, {}, False),
        ({**DISABLED, **REVISION}, {}, {}, False),
        ({**ENABLED, **REVISION}, {}, {}, True),
        (ENABLED, {INJECT: "false"}, {}, False),
        (REVISION, {INJECT: "false"}, {}, False),
        (ENABLED, {INJECT: "no"}, {}, False),
        (ENABLED, {INJECT: "true"}, {}, True),
        (ENABLED, {INJECT: "Yes"}, {}, True),
        (ENABLED, {}, {INJECT: "false"}, False),
        (ENABLED, {}, {INJECT: "true"}, True),
        (ENABLED, {INJECT: "true"}, {INJECT: "false"}, True),
        ({}, {INJECT: "true"}, {}, True),
        ({}, {INJECT: "yes"}, {}, False),
        ({}, {}, {INJECT: "true"}, False),
        (DISABLED, {INJECT: "true"}, {}, False),
        ({}, {"istio.io/rev": "default"}, {}, True),
        ({}, {"istio.io/rev": "default", INJECT: "false"}, {}, False),
        (DISABLED, {"istio.io/rev": "default"}, {}, False),
    ],
)
def test_namespace_and_pod_decide(
    namespace: dict[str, str], labels: dict[str, str], annotations: dict[str, str], injected: bool
) -> None:
    assert wants_sidecar(labels, annotations, namespace, host_network=False) is injected


@pytest.mark.parametrize(
    ("templates", "template"),
    [("", "sidecar"), ("gateway", "gateway"), ("sidecar, gateway", "gateway"), ("spire", "sidecar")],
)
def test_a_template_makes_it_a_gateway(templates: str, template: str) -> None:
    annotations = {"inject.istio.io/templates": templates} if templates else {}
    assert injected_template({}, annotations, ENABLED, host_network=False) == template
    assert injected_template({}, annotations, {}, host_network=False) == "none"


VALUES = st.dictionaries(
    st.sampled_from([INJECT, "istio.io/rev", "istio-injection"]),
    st.sampled_from(["true", "false", "enabled", "yes", ""]),
)


@given(labels=VALUES, annotations=VALUES, namespace=VALUES)
def test_pods_of_the_host_s_network_never_get_one(
    labels: dict[str, str], annotations: dict[str, str], namespace: dict[str, str]
) -> None:
    assert not wants_sidecar(labels, annotations, namespace, host_network=True)


@given(labels=VALUES, annotations=VALUES, namespace=VALUES)
def test_a_pod_that_says_false_by_label_never_gets_one(
    labels: dict[str, str], annotations: dict[str, str], namespace: dict[str, str]
) -> None:
    assert not wants_sidecar({**labels, INJECT: "false"}, annotations, namespace, host_network=False)
