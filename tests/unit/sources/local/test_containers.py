"""Containers as orders: commands, users, folders and probes."""

import yaml

from weft.model.kubernetes import PodSpec
from weft.model.local import Action, ContainerOrder, Probe
from weft.model.schema import convert
from weft.sources.local.containers import Setting, container_orders, runs_as_root

SETTING = Setting(address="10.244.0.5", variables={"app": (("WHO", "me"),)}, folders={"app": "/srv/web"})


def spec(text: str) -> PodSpec:
    found, problems = convert(yaml.safe_load(text), PodSpec)
    assert isinstance(found, PodSpec), problems
    return found


def order(container: str, setting: Setting = SETTING) -> ContainerOrder:
    (found,) = container_orders(spec(f"containers: [{{name: app, {container}}}]"), setting)
    return found


def test_command_and_arguments_are_one_and_refer_to_variables() -> None:
    assert order("command: [serve, --as], args: [$(WHO), $(NOBODY), $$(WHO)]").command == (
        "serve",
        "--as",
        "me",
        "$(NOBODY)",
        "$(WHO)",
    )


def test_arguments_without_a_command_are_for_an_image_that_is_not_there() -> None:
    assert order("args: [x]").command == ()


def test_every_container_knows_its_address_unless_it_says_another_one() -> None:
    assert dict(order("command: [x]").environment) == {"POD_IP": "10.244.0.5", "WHO": "me"}
    own = Setting(address="10.244.0.5", variables={"app": (("POD_IP", "mine"),)}, folders={})
    assert order("command: [x]", own).environment == (("POD_IP", "mine"),)


def test_a_container_without_its_variables_gets_no_command() -> None:
    assert order("command: [x]", Setting(address="10.244.0.5", variables={}, folders={})).command == ()


def test_the_container_of_the_proxy_is_none_of_the_applications() -> None:
    text = "containers: [{name: istio-proxy, image: auto}, {name: app, command: [x]}]"
    assert [each.name for each in container_orders(spec(text), SETTING)] == ["app"]


def test_a_container_runs_in_its_own_folder_or_in_that_of_its_image() -> None:
    assert order("command: [x]").folder == "/srv/web"
    assert order("command: [x], workingDir: /srv").folder == "/srv"


def test_a_user_of_the_container_wins_over_that_of_the_pod() -> None:
    text = """
    securityContext: {runAsUser: 1000, runAsGroup: 2000}
    containers:
      - {name: app}
      - {name: root, securityContext: {runAsUser: 0}}
    """
    found = container_orders(spec(text), SETTING)
    assert [(each.user, each.group) for each in found] == [(1000, 2000), (0, 2000)]


def test_who_must_not_be_root_has_to_state_another_user() -> None:
    def refused(pod: str, container: str) -> bool:
        found = spec(f"securityContext: {pod}\ncontainers: [{{name: app, securityContext: {container}}}]")
        return runs_as_root(found.containers[0], found)

    assert refused("{runAsNonRoot: true}", "{}")
    assert refused("{runAsNonRoot: true}", "{runAsUser: 0}")
    assert not refused("{runAsNonRoot: true}", "{runAsUser: 7}")
    assert not refused("{runAsNonRoot: true, runAsUser: 7}", "{}")
    assert not refused("{runAsNonRoot: true}", "{runAsNonRoot: false}")
    assert not refused("{}", "{}")


def test_probes_have_kubernetes_defaults_in_milliseconds() -> None:
    found = order("readinessProbe: {httpGet: {port: 8080}}").readiness
    assert found == Probe(action=Action(http_path="/", port=8080))
    assert (found.period, found.timeout, found.success_threshold, found.failure_threshold) == (10_000, 1_000, 1, 3)


def test_every_kind_of_probe_is_taken_over() -> None:
    found = order(
        """
        ports: [{name: web, containerPort: 8080}],
        startupProbe: {tcpSocket: {port: web}, initialDelaySeconds: 2, periodSeconds: 3, timeoutSeconds: 4},
        livenessProbe: {exec: {command: [check]}, failureThreshold: 5},
        readinessProbe: {grpc: {port: 9090, service: shop}, successThreshold: 2}
        """
    )
    assert found.startup == Probe(action=Action(tcp=True, port=8080), initial_delay=2_000, period=3_000, timeout=4_000)
    assert found.liveness == Probe(action=Action(command=("check",)), failure_threshold=5)
    assert found.readiness == Probe(action=Action(grpc_service="shop", port=9090), success_threshold=2)


def test_an_http_probe_says_all_of_its_request() -> None:
    found = order(
        "readinessProbe: {httpGet: {port: 1, path: ok, host: h, scheme: HTTPS, httpHeaders: [{name: a, value: b}]}}"
    ).readiness
    assert found is not None
    assert found.action == Action(http_path="/ok", http_scheme="HTTPS", http_headers=(("a", "b"),), host="h", port=1)


def test_numbers_that_make_no_sense_are_the_smallest_that_do() -> None:
    found = order("readinessProbe: {tcpSocket: {port: none}, periodSeconds: 0, timeoutSeconds: 0}").readiness
    assert found is not None
    assert (found.period, found.timeout, found.action.port) == (1_000, 1_000, 0)


def test_a_probe_without_an_action_is_none() -> None:
    assert order("readinessProbe: {periodSeconds: 1}").readiness is None
