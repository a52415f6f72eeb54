"""The pure part as a whole: objects in, resources and issues out."""

from tests.unit.sources.local.world import bodies

from weft.apps.pipeline import Pipeline, all_kinds
from weft.base.issues import Ref
from weft.envoy.type_urls import CDS, LDS, RDS
from weft.ir.inventory import TrustDomain
from weft.ir.settings import MeshSettings
from weft.model.decode import Decoder
from weft.model.objects import Broken, Object

DECODER = Decoder(all_kinds())
CONFIG = """
apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data:
  mesh: |
    MESH
"""
SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  clusterIP: 10.96.0.1
  selector: {app: web}
  ports: [{name: http, port: 80, targetPort: 8080}]
"""
POD = """
apiVersion: v1
kind: Pod
metadata: {name: web-1, namespace: shop, labels: {app: web}, annotations: {sidecar.istio.io/status: "{}"}}
spec: {containers: [{name: app}]}
status: {phase: Running, podIP: 10.244.0.2, conditions: [{type: Ready, status: "True"}]}
"""
ROUTE = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec: {hosts: [web], http: [{route: [{destination: {host: nowhere}}]}]}
"""


def put(pipeline: Pipeline, text: str) -> None:
    for body in bodies(text):
        value = DECODER.decode(body).value
        assert value is not None
        pipeline.objects.set(value.ref, value)


def test_all_kinds_have_different_names() -> None:
    kinds = all_kinds()
    for word in ("pods", "vs", "dr", "authorizationpolicy", "deploy", "standalone"):
        assert kinds.get(kinds.named(word).key) is kinds.named(word)


def test_settings_are_those_of_the_meshs_own_config_map() -> None:
    pipeline = Pipeline()
    assert pipeline.settings.get(None) == MeshSettings()
    put(pipeline, CONFIG.replace("MESH", "trustDomain: example.org"))
    assert pipeline.settings.get(None).trust_domain.name == "example.org"
    pipeline.objects.remove(Ref("ConfigMap", "istio-system", "istio"))
    assert pipeline.settings.get(None) == MeshSettings()


def test_settings_start_from_those_that_are_given() -> None:
    base = MeshSettings(trust_domain=TrustDomain("here.org"))
    pipeline = Pipeline(base)
    put(pipeline, CONFIG.replace("MESH", "outboundTrafficPolicy: {mode: REGISTRY_ONLY}"))
    assert pipeline.settings.get(None).trust_domain.name == "here.org"


def test_settings_that_can_not_be_read_are_an_issue_and_change_nothing() -> None:
    pipeline = Pipeline()
    put(pipeline, CONFIG.replace("MESH", "trustDomain: [x]"))
    assert pipeline.settings.get(None).trust_domain == MeshSettings().trust_domain
    assert {issue.ref for issue in pipeline.issues()} == {Ref("ConfigMap", "istio-system", "istio")}


def test_a_proxy_gets_its_clusters_listeners_and_routes() -> None:
    pipeline = Pipeline()
    put(pipeline, f"{SERVICE}---{POD}")
    workload = pipeline.mesh.inventory.workload("Kubernetes//Pod/shop/web-1")
    assert workload is not None
    key = pipeline.mesh.key(workload, "own")
    assert "outbound|80||web.shop.svc.cluster.local" in pipeline.resources.contents.get((key, CDS))
    assert "virtualInbound" in pipeline.resources.contents.get((key, LDS))
    assert "80" in pipeline.resources.contents.get((key, RDS))
    assert pipeline.resources.failures.get(key) == ()


def test_what_is_wrong_between_objects_is_told() -> None:
    pipeline = Pipeline()
    put(pipeline, f"{SERVICE}---{ROUTE}")
    (issue,) = pipeline.issues()
    assert (issue.code, issue.ref) == ("IST0101", Ref("VirtualService.networking.istio.io", "shop", "web"))


def test_an_object_that_can_not_be_read_takes_no_other_along() -> None:
    pipeline = Pipeline()
    put(pipeline, f"{SERVICE}---{POD}")
    broken = DECODER.decode({**bodies(ROUTE)[0], "spec": 5}).value
    assert isinstance(broken, Broken)
    pipeline.objects.set(broken.ref, broken)
    assert isinstance(pipeline.objects.get(Ref("Service", "shop", "web")), Object)
    assert pipeline.mesh.inventory.service("shop", "web.shop.svc.cluster.local") is not None
