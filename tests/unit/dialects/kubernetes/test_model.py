"""Objects of Kubernetes as typed values: tolerant of fields that mean nothing here, watchful for slips."""

from typing import Any

import pytest
import yaml

from weft.model import kubernetes as api
from weft.model.decode import Decoder
from weft.model.istio_networking import KINDS as ISTIO_KINDS
from weft.model.kinds import Kinds
from weft.model.kubernetes_fields import unknown_fields
from weft.model.objects import Object

KIND = {kind.name: kind for kind in api.KINDS}

POD = """
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  hostNetwork: true
  dnsPolicy: ClusterFirst
  tolerations: [{operator: Exists}]
  volumes: [{name: v, emptyDir: {}}]
  securityContext: {runAsUser: 7, fsGroup: 8}
  terminationGracePeriodSeconds: 5
  restartPolicy: OnFailure
  containers:
  - name: app
    image: example/app
    command: [python3]
    args: [-m, app]
    workingDir: /srv
    imagePullPolicy: Always
    resources: {limits: {cpu: 1}}
    env:
    - {name: A, value: '1'}
    - {name: IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
    - {name: K, valueFrom: {secretKeyRef: {name: s, key: k, optional: true}}}
    - {name: R, valueFrom: {resourceFieldRef: {resource: limits.cpu}}}
    envFrom: [{configMapRef: {name: c}, prefix: P_}]
    ports: [{containerPort: 80, name: http, hostPort: 8080}]
    securityContext: {runAsUser: 9, runAsGroup: 10, capabilities: {drop: [ALL]}}
    lifecycle: {preStop: {exec: {command: [sleep, '1']}}}
    readinessProbe:
      httpGet: {path: /ready, port: http, httpHeaders: [{name: a, value: b}]}
      periodSeconds: 1
status: {phase: Running, podIP: 10.0.0.1, qosClass: BestEffort, conditions: [{type: Ready, status: 'True'}]}
"""


def decoded(text: str) -> Object[Any]:
    found = Decoder(Kinds(api.KINDS)).decode(yaml.safe_load(text))
    assert isinstance(found.value, Object), found.issues
    return found.value


def test_a_pod_keeps_what_a_local_process_needs() -> None:
    pod: Object[api.PodSpec] = decoded(POD)
    spec = pod.spec
    assert (spec.host_network, spec.restart_policy, spec.termination_grace_period_seconds) == (True, "OnFailure", 5)
    assert spec.security_context == api.SecurityContext(run_as_user=7)
    (container,) = spec.containers
    assert (container.command, container.args, container.working_dir) == (("python3",), ("-m", "app"), "/srv")
    assert container.security_context == api.SecurityContext(run_as_user=9, run_as_group=10)
    assert container.env == (
        api.EnvVar("A", "1"),
        api.EnvVar("IP", value_from=api.EnvVarSource(field_ref=api.ObjectFieldSelector("status.podIP"))),
        api.EnvVar("K", value_from=api.EnvVarSource(secret_key_ref=api.KeySelector("k", "s", True))),
        api.EnvVar("R", value_from=api.EnvVarSource()),
    )
    assert container.env_from == (api.EnvFromSource("P_", config_map_ref=api.NamedReference("c")),)
    assert container.ports == (api.ContainerPort(80, "http"),)
    assert container.lifecycle == api.Lifecycle(pre_stop=api.LifecycleHandler(exec=api.ExecAction(("sleep", "1"))))
    assert container.readiness_probe == api.Probe(
        http_get=api.HttpGetAction("http", "/ready", http_headers=(api.HttpHeader("a", "b"),)), period_seconds=1
    )
    assert pod.status == api.PodStatus(
        phase="Running", pod_ip="10.0.0.1", conditions=(api.PodCondition("Ready", "True"),)
    )


def test_a_probe_has_kubernetes_defaults() -> None:
    probe = api.Probe()
    assert (probe.period_seconds, probe.timeout_seconds, probe.failure_threshold) == (10, 1, 3)
    assert (probe.initial_delay_seconds, probe.success_threshold) == (0, 1)


def test_a_deployment_has_one_replica_unless_it_says_more() -> None:
    text = """
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec:
      selector: {matchLabels: {app: web}, matchExpressions: [{key: a, operator: NotIn, values: [b]}]}
      strategy: {type: Recreate}
      template: {metadata: {labels: {app: web}, creationTimestamp: null}, spec: {containers: [{name: a}]}}
    """
    spec: api.Deployment = decoded(text).spec
    assert (spec.replicas, spec.template.metadata.labels) == (1, {"app": "web"})
    assert spec.selector.match_expressions == (api.LabelSelectorRequirement("a", "NotIn", ("b",)),)
    assert [container.name for container in spec.template.spec.containers] == ["a"]


def test_what_a_secret_holds_never_shows() -> None:
    text = """
    apiVersion: v1
    kind: Secret
    metadata: {name: s}
    type: Opaque
    data: {password: aHVudGVyMg==}
    stringData: {token: abcdef}
    """
    secret = decoded(text)
    assert secret.spec.data == {"password": b"hunter2"}
    shown = repr(secret)
    assert "hunter2" not in shown
    assert "abcdef" not in shown
    assert "password" in shown


@pytest.mark.parametrize(
    ("word", "key"),
    [
        ("po", "Pod"),
        ("svc", "Service"),
        ("sa", "ServiceAccount"),
        ("ns", "Namespace"),
        ("cm", "ConfigMap"),
        ("deploy", "Deployment.apps"),
        ("endpointslices", "EndpointSlice.discovery.k8s.io"),
        ("secrets", "Secret"),
    ],
)
def test_kinds_have_kubectl_s_names(word: str, key: str) -> None:
    assert Kinds(api.KINDS).named(word).key == key


def test_fields_of_the_api_are_no_findings() -> None:
    assert unknown_fields(KIND["Pod"], yaml.safe_load(POD)) == ()


@pytest.mark.parametrize(
    ("kind", "body", "path", "hint"),
    [
        ("Pod", "{spec: {container: []}}", ("spec", "container"), "containers"),
        ("Pod", "{spec: {hostnetwork: true}}", ("spec", "hostnetwork"), "hostNetwork"),
        (
            "Pod",
            "{spec: {containers: [{name: a}, {name: b, readinesProbe: {}}]}}",
            ("spec", "containers", 1, "readinesProbe"),
            "readinessProbe",
        ),
        (
            "Pod",
            "{spec: {containers: [{readinessProbe: {httpGet: {pth: /}}}]}}",
            ("spec", "containers", 0, "readinessProbe", "httpGet", "pth"),
            "path",
        ),
        ("Service", "{spec: {ports: [{prot: 80}]}}", ("spec", "ports", 0, "prot"), "port"),
        (
            "Deployment",
            "{spec: {template: {spec: {containers: [{comand: [a]}]}}}}",
            ("spec", "template", "spec", "containers", 0, "comand"),
            "command",
        ),
        ("ConfigMap", "{apiVersion: v1, kind: ConfigMap, metadata: {}, datas: {}}", ("datas",), "data"),
        ("Service", "{spec: {qqqq: 1}}", ("spec", "qqqq"), None),
    ],
)
def test_a_slip_is_found_with_what_was_meant(
    kind: str, body: str, path: tuple[str | int, ...], hint: str | None
) -> None:
    (problem,) = unknown_fields(KIND[kind], yaml.safe_load(body))
    assert problem.path == path
    assert problem.advice == (f"did you mean `{hint}`?" if hint else "remove this field")


@pytest.mark.parametrize(
    "body", ["{}", "{spec: null}", "{spec: [1]}", "{spec: {containers: 7}}", "{spec: {containers: [7]}}"]
)
def test_values_of_a_wrong_type_are_passed_over(body: str) -> None:
    assert unknown_fields(KIND["Pod"], yaml.safe_load(body)) == ()


def test_kinds_that_forbid_unknown_fields_are_not_looked_at() -> None:
    assert unknown_fields(ISTIO_KINDS[0], {"spec": {"hots": []}}) == ()
