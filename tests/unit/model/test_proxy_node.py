"""Node ids and node metadata, as proxies of Istio say them."""

from typing import Any

import pytest

from weft.model.proxy_node import NodeId, NodeLocality, PodPort, describe_node, parse_node_id


def test_an_id_is_taken_apart_and_a_pods_name_may_hold_dots() -> None:
    assert parse_node_id("router~10.0.0.1~a.b-0.ns~ns.svc") == NodeId("router", "10.0.0.1", "a.b-0", "ns", "ns.svc")


@pytest.mark.parametrize("text", ["", "sidecar~10.1.1.1~pod.ns", "sidecar~10.1.1.1~pod~ns.svc", "proxy~1~a.b~c"])
def test_what_is_no_id_is_refused_with_its_form(text: str) -> None:
    with pytest.raises(ValueError, match="<role>~<address>~<pod>"):
        parse_node_id(text)


def test_metadata_is_read_in_the_forms_that_istios_agent_writes() -> None:
    found, problems = describe_node(
        {
            "LABELS": {"app": "web"},
            "SERVICE_ACCOUNT": "web",
            "INSTANCE_IPS": "10.1.1.1, fd00::1",
            "POD_PORTS": '[{"name":"http","containerPort":8080,"protocol":"TCP"}]',
            "DNS_CAPTURE": "true",
            "LOCALITY": "eu/eu-1/rack",
            "SOMETHING_ELSE": "kept",
        }
    )
    assert not problems
    metadata = found.metadata
    assert metadata.labels == {"app": "web"}
    assert metadata.instance_ips == ("10.1.1.1", "fd00::1")
    assert metadata.pod_ports == (PodPort(8080, "http"),)
    assert metadata.dns_capture is True
    assert found.locality == NodeLocality("eu", "eu-1", "rack")
    assert found.stated["SOMETHING_ELSE"] == "kept"
    assert "LOCALITY" not in found.stated


@pytest.mark.parametrize("sub_zone", ["subZone", "sub_zone"])
def test_a_whole_node_of_a_bootstrap_is_read_too(sub_zone: str) -> None:
    node = {"id": "x", "metadata": {"NETWORK": "west"}, "locality": {"region": "eu", sub_zone: "rack"}}
    found, problems = describe_node(node)
    assert not problems
    assert found.metadata.network == "west"
    assert found.locality == NodeLocality("eu", "", "rack")


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (["no fields"], ()),
        ({"LABELS": "a=b"}, ("LABELS",)),
        ({"LABELS": {"a": 1}}, ("LABELS", "a")),
        ({"POD_PORTS": "8080"}, ("POD_PORTS",)),
        ({"DNS_CAPTURE": "perhaps"}, ("DNS_CAPTURE",)),
        ({"INTERCEPTION_MODE": "redirect"}, ("INTERCEPTION_MODE",)),
        ({"metadata": {"NETWORK": 7}}, ("metadata", "NETWORK")),
        ({"LOCALITY": 7}, ("locality",)),
    ],
)
def test_what_is_wrong_is_told_with_its_field(value: Any, path: tuple[str, ...]) -> None:
    _, problems = describe_node(value)
    assert [problem.path for problem in problems] == [path]


def test_a_wrong_entry_leaves_the_others_in_force() -> None:
    found, problems = describe_node({"NETWORK": 7, "SERVICE_ACCOUNT": "web"})
    assert len(problems) == 1
    assert (found.metadata.network, found.metadata.service_account) == ("", "web")


def test_entries_that_change_nothing_here_are_told() -> None:
    found, _ = describe_node({"HTTP_PROXY_PORT": "8888", "NETWORK": "west"})
    assert found.without_effect == ["HTTP_PROXY_PORT"]
