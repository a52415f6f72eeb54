"""Policies from their YAML text, read and compiled as the controller does."""

import textwrap
from typing import Any

import yaml

from weft.base.issues import Issue, Ref
from weft.dialects.compiled import Compiled
from weft.dialects.istio.security import BROKEN, COMPILERS
from weft.ir.access import Authentication, Authorization, AuthzRule
from weft.ir.inventory import TrustDomain
from weft.ir.settings import MeshSettings
from weft.model.decode import Decoder
from weft.model.istio_security import KINDS
from weft.model.kinds import Kinds
from weft.model.objects import Broken, Object

ROOT = "istio-system"
SETTINGS = MeshSettings(root_namespace=ROOT, trust_domain=TrustDomain("td.example", aliases=("old.example",)))
DECODER = Decoder(Kinds(KINDS))


class Settings:
    """A lookup that knows the mesh's settings, and no object."""

    def settings(self) -> MeshSettings:
        return SETTINGS

    def object(self, ref: Ref) -> None:
        return None

    def objects(self, kind: str, namespace: str) -> tuple[Object[Any], ...]:
        return ()

    def labelled(self, kind: str, namespace: str, value: str) -> tuple[Object[Any], ...]:
        return ()

    def namespace_labels(self, namespace: str) -> dict[str, str]:
        return {}


def compiled(kind: str, spec: Any, *, namespace: str = "shop", name: str = "subject", dry_run: str = "") -> Compiled:
    """What a policy becomes; its `spec` is YAML text or what that says."""
    metadata: dict[str, Any] = {"name": name, "namespace": namespace}
    if dry_run:
        metadata["annotations"] = {"istio.io/dry-run": dry_run}
    written = yaml.safe_load(textwrap.dedent(spec)) if isinstance(spec, str) else spec
    body = {"apiVersion": "security.istio.io/v1", "kind": kind, "metadata": metadata, "spec": written}
    found = DECODER.decode(body).value
    assert found is not None
    if isinstance(found, Broken):
        return BROKEN[found.kind](found, Settings()) if found.kind in BROKEN else Compiled()
    return COMPILERS[found.kind](found, Settings())


def policy(spec: Any, **options: str) -> Compiled:
    """What an AuthorizationPolicy becomes."""
    return compiled("AuthorizationPolicy", spec, **options)


def authorization(spec: Any, **options: str) -> Authorization:
    """The one fragment of an AuthorizationPolicy in which there is nothing to find fault with."""
    result = policy(spec, **options)
    assert result.issues == ()
    return only_authorization(result)


def only_authorization(result: Compiled) -> Authorization:
    """The one authorization of an outcome."""
    (found,) = result.fragments
    assert isinstance(found, Authorization)
    return found


def rule(text: str, **options: str) -> AuthzRule:
    """The one rule of an ALLOW policy, from the YAML text of the rule."""
    (found,) = authorization({"rules": [yaml.safe_load(textwrap.dedent(text))]}, **options).rules
    return found


def authentications(spec: Any, **options: str) -> list[Authentication]:
    """The fragments of a PeerAuthentication in which there is nothing to find fault with."""
    result = compiled("PeerAuthentication", spec, **options)
    assert result.issues == ()
    return [each for each in result.fragments if isinstance(each, Authentication)]


def problems(result: Compiled) -> list[tuple[str, str]]:
    """Code and path of every finding."""
    return [(issue.code, issue.path) for issue in result.issues]


def issue(result: Compiled) -> Issue:
    """The one finding."""
    (found,) = result.issues
    return found
