"""What an API server would refuse leaves pods as they are; what is not supported is said, and nothing is dropped."""

import textwrap

import pytest
from tests.unit.sources.local.world import World, deployment, ref

from weft.base.issues import Issue
from weft.model import codes

DEPLOYMENT = ref("Deployment", "web")


def issues_of(text: str) -> list[Issue]:
    world = World()
    world.write(text)
    return world.issues(DEPLOYMENT)


def only(text: str) -> Issue:
    (issue,) = issues_of(text)
    return issue


def spec(pod_spec: str, extra: str = "") -> str:
    """A Deployment with a whole pod spec, and further fields of its own."""
    return f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web, namespace: shop}}
spec:
{textwrap.indent(extra, "  ")}
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
{textwrap.indent(textwrap.dedent(pod_spec), "      ")}
"""


PLAIN = "containers: [{name: app, command: [serve]}]"

REFUSED = [
    (spec(PLAIN, "replicas: -1"), "spec.replicas"),
    (spec(PLAIN).replace("{matchLabels: {app: web}}", "{}"), "spec.selector"),
    (spec(PLAIN).replace("{matchLabels: {app: web}}", "{matchLabels: {app: api}}"), "spec.selector"),
    (spec(PLAIN + "\nrestartPolicy: Never"), "spec.template.spec.restartPolicy"),
    (spec("containers: []"), "spec.template.spec.containers"),
    (spec("containers: [{name: app}, {name: app}]"), "spec.template.spec.containers[1].name"),
    (spec("containers: [{name: ../../app}]"), "spec.template.spec.containers[0].name"),
    (spec(PLAIN + "\nterminationGracePeriodSeconds: -5"), "spec.template.spec.terminationGracePeriodSeconds"),
    (
        spec(PLAIN, "strategy: {rollingUpdate: {maxSurge: many}}"),
        "spec.strategy.rollingUpdate.maxSurge",
    ),
]


@pytest.mark.parametrize(("text", "path"), REFUSED, ids=[path for _, path in REFUSED])
def test_what_an_api_server_refuses_is_an_error_and_makes_no_pods(text: str, path: str) -> None:
    world = World()
    world.write(text)
    (issue,) = world.issues(DEPLOYMENT)
    assert (issue.code, issue.severity, issue.path) == (codes.INVALID, "error", path)
    assert issue.effect == "its pods stay as they are: none is made or replaced"
    assert issue.advice
    assert world.live() == []


@pytest.mark.parametrize(("text", "path"), REFUSED, ids=[path for _, path in REFUSED])
def test_a_deployment_that_turns_bad_keeps_its_pods(text: str, path: str) -> None:
    world = World()
    world.write(deployment())
    before = world.live()
    world.write(text)
    assert world.live() == before
    world.write(deployment())
    assert world.live() == before


UNSUPPORTED = [
    (spec(PLAIN, "paused: true"), "spec.paused"),
    (spec(PLAIN, "minReadySeconds: 5"), "spec.minReadySeconds"),
    (spec(PLAIN + "\ninitContainers: [{name: setup}]"), "spec.template.spec.initContainers"),
    (spec(PLAIN + "\nhostNetwork: true"), "spec.template.spec.hostNetwork"),
] + [
    (spec(f"containers: [{{name: app, {field}}}]"), f"spec.template.spec.containers[0].{path}")
    for field, path in [
        ("lifecycle: {postStart: {exec: {command: [x]}}}", "lifecycle.postStart"),
        ("lifecycle: {preStop: {sleep: {seconds: 5}}}", "lifecycle.preStop"),
        ("restartPolicy: Never", "restartPolicy"),
        ("volumeMounts: [{name: data, mountPath: /data}]", "volumeMounts"),
        (
            "livenessProbe: {tcpSocket: {port: 1}, terminationGracePeriodSeconds: 1}",
            "livenessProbe.terminationGracePeriodSeconds",
        ),
    ]
]


@pytest.mark.parametrize(("text", "path"), UNSUPPORTED, ids=[path for _, path in UNSUPPORTED])
def test_what_is_not_supported_is_told_once_with_its_effect_and_the_pods_run(text: str, path: str) -> None:
    world = World()
    world.write(text.replace("spec:\n", "spec:\n  replicas: 3\n", 1))
    (issue,) = world.issues(DEPLOYMENT)
    assert (issue.code, issue.severity, issue.path) == (codes.UNSUPPORTED, "warning", path)
    assert issue.effect
    assert len(world.live()) == 3


def test_fields_of_the_proxys_container_that_nobody_reads_are_told() -> None:
    issue = only(spec("containers: [{name: istio-proxy, image: auto, ports: [{containerPort: 1}], args: [x]}]"))
    assert issue.path == "spec.template.spec.containers[0].args"


def test_a_probe_at_a_port_that_has_no_name_is_told() -> None:
    issue = only(spec("containers: [{name: app, readinessProbe: {httpGet: {port: web}}}]"))
    assert (issue.code, issue.path) == (codes.NOT_FOUND, "spec.template.spec.containers[0].readinessProbe.httpGet.port")


def test_a_level_that_envoy_does_not_know_is_told_and_not_passed_on() -> None:
    text = deployment().replace(
        "labels: {app: web}}\n    spec", "labels: {app: web}, annotations: ANNOTATIONS}\n    spec"
    )
    text = text.replace("ANNOTATIONS", '{sidecar.istio.io/logLevel: "debug,x", sidecar.istio.io/inject: "true"}')
    world = World()
    world.write("""{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {istio-injection: enabled}}}""")
    world.write(text)
    (issue,) = world.issues(DEPLOYMENT)
    assert issue.code == codes.INVALID_ANNOTATION
    assert issue.path == 'spec.template.metadata.annotations["sidecar.istio.io/logLevel"]'
    proxy = world.order().proxy
    assert proxy is not None
    assert proxy.log_level == "warning"


def test_a_pod_of_its_own_is_checked_like_that_of_a_deployment() -> None:
    world = World()
    world.write(
        """
        apiVersion: v1
        kind: Pod
        metadata: {name: tool, namespace: shop}
        spec: {containers: [{name: app, lifecycle: {preStop: {exec: {command: [x]}}}}]}
        """
    )
    (issue,) = world.issues(ref("Pod", "tool"))
    assert issue.path == "spec.containers[0].lifecycle.preStop"


def test_nothing_is_said_of_what_is_in_order() -> None:
    assert issues_of(deployment(more="env: [{name: A, value: b}]")) == []


def annotated(config: str) -> str:
    """A Deployment whose pods are annotated with settings of their proxies."""
    text = deployment().replace("labels: {app: web}}\n    spec", "labels: {app: web}, annotations: NOTES}\n    spec")
    return text.replace("NOTES", f"{{proxy.istio.io/config: {config!r}}}")


CONFIG_PATH = 'spec.template.metadata.annotations["proxy.istio.io/config"]'


@pytest.mark.parametrize(
    ("config", "code", "message"),
    [
        ("proxyMetadata: {OTHER: x}", codes.UNSUPPORTED, "proxyMetadata.OTHER is not supported yet"),
        ("image: {imageType: distroless}", codes.UNSUPPORTED, "image is not supported yet"),
        ("[", codes.INVALID_ANNOTATION, "this is no YAML"),
    ],
)
def test_settings_of_a_pods_proxy_that_have_no_effect_are_told(config: str, code: str, message: str) -> None:
    issue = only(annotated(config))
    assert (issue.code, issue.path) == (code, CONFIG_PATH)
    assert issue.message.startswith(message)


def test_settings_of_a_pods_proxy_that_are_read_are_fine() -> None:
    assert issues_of(annotated("proxyMetadata: {ISTIO_META_DNS_CAPTURE: 'true'}")) == []
