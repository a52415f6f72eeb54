"""Variables of containers: what comes from where, what wins, and what is said of those that can't be set."""

import yaml
from hypothesis import given
from hypothesis import strategies as st

from weft.model.kubernetes import Container, PodSpec
from weft.model.objects import Metadata
from weft.model.schema import convert
from weft.sources.local.environment import Environment, Gap, PodFacts, environment, expanded

FACTS = PodFacts(
    Metadata(name="web-1", namespace="shop", labels={"app": "web"}, annotations={"note/it": "x"}, uid="u1"),
    PodSpec(service_account_name="seller"),
    addresses=("10.244.0.5", "fd00:10:244::5"),
    hosts=("10.244.255.254", "fd00:10:244::2"),
)
ENTRIES = {
    ("ConfigMap", "settings"): {"colour": b"blue", "size": b"5", "1st": b"!"},
    ("Secret", "keys"): {"token": b"s3cret", "blob": b"\xff\x00", "nul": b"a\0b"},
}


def found(text: str) -> Environment:
    container, problems = convert({"name": "app", **yaml.safe_load(text)}, Container)
    assert not problems
    return environment(container, FACTS, lambda kind, name: ENTRIES.get((kind, name)))


def variables(text: str) -> dict[str, str]:
    environment = found(text)
    assert environment.gaps == ()
    return dict(environment.variables)


def test_values_can_refer_to_variables_before_them() -> None:
    said = variables("env: [{name: A, value: x}, {name: B, value: '$(A)-$(C)-$$(A)'}, {name: C, value: $(B)}]")
    assert said == {"A": "x", "B": "x-$(C)-$(A)", "C": "x-$(C)-$(A)"}


def test_facts_of_the_pod_are_found_by_their_field() -> None:
    fields = {
        "metadata.name": "web-1",
        "metadata.namespace": "shop",
        "metadata.uid": "u1",
        "metadata.labels['app']": "web",
        "metadata.labels['none']": "",
        "metadata.annotations['note/it']": "x",
        "spec.serviceAccountName": "seller",
        "status.podIP": "10.244.0.5",
        "status.podIPs": "10.244.0.5,fd00:10:244::5",
        "status.hostIP": "10.244.255.254",
        "status.hostIPs": "10.244.255.254,fd00:10:244::2",
    }
    for field, value in fields.items():
        assert variables(f'env: [{{name: A, valueFrom: {{fieldRef: {{fieldPath: "{field}"}}}}}}]') == {"A": value}


def test_keys_of_config_maps_and_secrets_are_found() -> None:
    text = """
    env:
      - {name: A, valueFrom: {configMapKeyRef: {name: settings, key: colour}}}
      - {name: B, valueFrom: {secretKeyRef: {name: keys, key: token}}}
    """
    assert variables(text) == {"A": "blue", "B": "s3cret"}


def test_all_entries_come_first_with_their_prefix_and_single_variables_win() -> None:
    text = """
    envFrom:
      - {prefix: P_, configMapRef: {name: settings}}
    env:
      - {name: P_size, value: $(P_colour)}
    """
    assert variables(text) == {"P_1st": "!", "P_colour": "blue", "P_size": "blue"}


def test_a_key_that_names_no_variable_is_left_out_and_told() -> None:
    result = found("envFrom: [{configMapRef: {name: settings}}]")
    assert dict(result.variables) == {"colour": "blue", "size": "5"}
    assert result.gaps == (Gap(("envFrom", 0, "configMapRef"), "no variable can be named '1st'", "warning"),)
    assert result.blocked == ""


def test_what_is_missing_blocks_the_container_in_the_kubelets_words() -> None:
    result = found("env: [{name: A, valueFrom: {configMapKeyRef: {name: settings, key: shape}}}]")
    path = ("env", 0, "valueFrom", "configMapKeyRef")
    assert result.gaps == (Gap(path, "couldn't find key shape in ConfigMap settings"),)
    assert result.blocked == "couldn't find key shape in ConfigMap settings"
    assert found("envFrom: [{secretRef: {name: gone}}]").blocked == 'secret "gone" not found'
    assert (
        found("env: [{name: A, valueFrom: {secretKeyRef: {name: gone, key: a}}}]").blocked == 'secret "gone" not found'
    )


def test_what_is_optional_and_missing_is_left_out_and_told() -> None:
    text = """
    envFrom:
      - {configMapRef: {name: gone, optional: true}}
    env:
      - {name: A, valueFrom: {configMapKeyRef: {name: settings, key: shape, optional: true}}}
      - {name: B, value: x}
    """
    result = found(text)
    assert result.variables == (("B", "x"),)
    assert [gap.severity for gap in result.gaps] == ["info", "info"]
    assert result.blocked == ""


def test_a_field_that_can_not_be_referred_to_is_told() -> None:
    result = found("env: [{name: A, valueFrom: {fieldRef: {fieldPath: metadata.labels}}}]")
    assert result.gaps == (
        Gap(("env", 0, "valueFrom", "fieldRef", "fieldPath"), "a variable can't refer to metadata.labels"),
    )


def test_a_source_that_is_not_supported_is_told() -> None:
    result = found("env: [{name: A, valueFrom: {resourceFieldRef: {resource: limits.cpu}}}]")
    assert result.variables == ()
    assert result.gaps == (Gap(("env", 0, "valueFrom"), "values from this source are not supported yet", "warning"),)


def test_values_that_no_variable_can_have_are_told() -> None:
    for key, reason in (("blob", "is no text"), ("nul", "zero byte")):
        result = found(f"env: [{{name: A, valueFrom: {{secretKeyRef: {{name: keys, key: {key}}}}}}}]")
        assert reason in result.blocked
        assert "\\" not in result.blocked
    assert "zero byte" in found('env: [{name: A, value: "a\\0b"}]').blocked


@given(st.text("$()AB", max_size=12))
def test_expanding_never_fails_and_leaves_what_it_does_not_know(text: str) -> None:
    assert expanded(text.replace("$", "$$"), {"A": "x"}) == text
    if "$" not in text:
        assert expanded(text, {"A": "x"}) == text
