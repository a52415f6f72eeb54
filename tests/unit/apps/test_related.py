"""What objects are connected with."""

from tests.unit.apps.controller import NAMESPACE, WEB, Controller, ref

POLICY = """
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: nobody, namespace: shop}
spec: {selector: {matchLabels: {app: web}}}
"""


def test_a_service_leads_to_endpoints_that_are_ready(controller: Controller) -> None:
    controller.write("a.yaml", f"{NAMESPACE}---{WEB}")
    assert controller.state.related(ref("Service", "web")) == {"Endpoints http": []}
    controller.ready()
    assert controller.state.related(ref("Service", "web")) == {"Endpoints http": ["10.244.0.10:8080"]}
    assert controller.state.related(ref("Service", "none")) == {}


def test_a_pod_knows_its_services_and_policies(controller: Controller) -> None:
    controller.write("a.yaml", f"{NAMESPACE}---{WEB}---{POLICY}")
    (record,) = controller.live()
    found = controller.state.related(record.ref)
    assert found["Services"] == ["web.shop.svc.cluster.local"]
    assert found["Authorization"] == ["AuthorizationPolicy shop/nobody"]
    assert found["Mutual TLS"]
    assert controller.state.related(ref("ConfigMap", "a")) == {}
