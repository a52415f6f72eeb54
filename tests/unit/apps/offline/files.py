"""Files of a small shop, and the command line on them."""

import json
from pathlib import Path
from textwrap import dedent
from typing import Any

from click.testing import CliRunner, Result
from tests.pem import CERTIFICATE, KEY

from weft.apps.main import weft

NAMESPACE = """
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio-injection: enabled}}
"""

WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      serviceAccountName: web
      containers: [{name: app, ports: [{name: web-port, containerPort: 8080}]}]
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  selector: {app: web}
  ports: [{name: http, port: 80, targetPort: web-port}]
"""

GATEWAY = f"""
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {{name: edge, namespace: shop}}
spec:
  selector: {{istio: edge}}
  servers:
    - port: {{number: 8443, name: https, protocol: HTTPS}}
      hosts: [shop.example]
      tls: {{mode: SIMPLE, credentialName: edge}}
---
apiVersion: v1
kind: Secret
metadata: {{name: edge, namespace: shop}}
type: kubernetes.io/tls
stringData: {{tls.crt: {json.dumps(CERTIFICATE)}, tls.key: {json.dumps(KEY)}}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: edge, namespace: shop}}
spec:
  hosts: [shop.example]
  gateways: [edge]
  http: [{{route: [{{destination: {{host: web}}}}]}}]
"""

EDGE_POD = """
apiVersion: v1
kind: Pod
metadata:
  name: edge
  namespace: shop
  labels: {istio: edge}
  annotations: {inject.istio.io/templates: gateway}
spec:
  containers: [{name: istio-proxy, image: auto}]
"""

SIDECAR = "sidecar~10.1.1.1~guest.shop~shop.svc.cluster.local"


def write(folder: Path, *texts: str) -> Path:
    """A folder with these texts in one file each."""
    folder.mkdir(exist_ok=True)
    for number, text in enumerate(texts):
        (folder / f"{number}.yaml").write_text(dedent(text))
    return folder


def run(*arguments: Path | str, code: int = 0, stdin: str | None = None) -> Result:
    """The outcome of a command line, which must end with this exit code."""
    result = CliRunner().invoke(weft(), [str(each) for each in arguments], input=stdin, standalone_mode=True)
    assert result.exit_code == code, f"{result.exit_code}: {result.output}{result.exception!r}"
    return result


def rendered(folder: Path, node: str, *options: Path | str) -> dict[str, Any]:
    """What a proxy gets."""
    document: dict[str, Any] = json.loads(run("render", "-f", folder, "--node", node, *options).stdout)
    return document


def names(document: dict[str, Any], section: str) -> list[str]:
    """The names in a section; assignments of endpoints are named by their cluster."""
    return [each.get("name") or each["clusterName"] for each in document[section]]


def pods(folder: Path) -> list[str]:
    """The pods of a folder, as the hint names them that is given for a pod that is not there."""
    said = run("render", "-f", folder, "--node", "no/such", code=1).stderr
    listed = said.partition("there are ")[2].strip()
    return [name.strip() for name in listed.split(",") if "/" in name]
