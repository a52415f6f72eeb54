"""Settings: docs/reference/settings.md."""

from collections.abc import Iterator
from typing import Final

from tools.reference.fields import outline, text_of
from tools.reference.markdown import code, sections, table
from weft.apps.serving_limits import VARIABLES
from weft.base.issues import Ref
from weft.base.places import DEFAULT_MESH, MESH_VARIABLE, STATE_VARIABLE
from weft.dialects.istio.networking.mesh_settings import mesh_settings
from weft.ir.settings import MeshSettings
from weft.model import codes, istio_mesh_networks
from weft.model.istio_mesh import CONFIG_MAP, KEY, NOT_READ, MeshConfig, decode_mesh_config
from weft.model.istio_mesh_networks import MeshNetworks

_INTRODUCTION: Final = """\
# Settings

What a mesh does is said by its objects. The rest is little."""

_ENVIRONMENT: Final = """\
## Environment

Options of a command win over variables."""

_MESH_CONFIG: Final = """\
## MeshConfig

Settings of the whole mesh are Istio's
[MeshConfig](https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/), as YAML under the key `{key}` of
the ConfigMap `{config_map}` in the namespace `{namespace}`. Each field is read alone: one that is wrong leaves the
others in force. These fields are read:"""

_REST: Final = """\
These fields of the API are known and not supported yet. Where one is set to something else than Istio's default, Weft
says so:"""

_MESH_NETWORKS: Final = """\
## MeshNetworks

The key `{key}` of the same ConfigMap says which network endpoints are in, as Istio's
[MeshNetworks](https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/#MeshNetworks). An endpoint's own word
(`topology.istio.io/network`) comes first, then its registry, which is `{cluster}`, then the narrowest range that has
its address. Gateways of networks are not supported yet: endpoints are called at their own addresses."""

_STANDALONE: Final = """\
## Folders for images

A mesh on one machine pulls no images. A `Standalone` object says which folder stands for which images; the commands
of their containers run in it.

```yaml
apiVersion: weft.dev/v1alpha1
kind: Standalone
metadata: {name: example}
spec:
  images:
    "registry.example/shop/*": ./shop
    "registry.example/shop/reviews:v3": ./reviews-v3
```

- The folder is relative to the file that names it.
- `*` stands for any text without a `/`. Every other character stands for itself.
- Where the part of a pattern behind its last `/` has neither `:` nor `@`, tag and digest of the image don't matter.
- Of several patterns that fit, one without `*` wins, then the longest."""


_LIMITS = """\
## Limits of the controller

`weft up` gives its environment to the controller, which reads these. The defaults are meant to be good for thousands
of proxies ([why](../operations/performance.md#the-control-plane-under-load)). A value that is no number is refused, and
nothing is served."""


def settings_page() -> str:
    """The page."""
    variables = (
        (MESH_VARIABLE, f"which mesh is meant; without it `{DEFAULT_MESH}`"),
        (STATE_VARIABLE, "folder of the mesh's state"),
        ("NO_COLOR", "set to anything: no colours"),
    )
    limits = table(("variable", "default", "meaning"), [(code(v.name), f"{v.default:g}", v.meaning) for v in VARIABLES])
    environment = table(("variable", "meaning"), [(code(name), text) for name, text in variables])
    namespace = MeshSettings().root_namespace
    mesh_config = _MESH_CONFIG.format(key=KEY, config_map=CONFIG_MAP, namespace=namespace)
    fields = "\n".join(("```yaml", *_fields(), "```"))
    unread = table(("field", "what holds instead"), [(code(name), text) for name, text in sorted(NOT_READ.items())])
    mesh_networks = _MESH_NETWORKS.format(key=istio_mesh_networks.KEY, cluster=MeshSettings().cluster)
    networks = "\n".join(("```yaml", *(text_of(line) for line in outline(MeshNetworks)), "```"))
    settings = (mesh_config, fields, _REST, unread, mesh_networks, networks)
    return sections(_INTRODUCTION, _ENVIRONMENT, environment, _LIMITS, limits, *settings, _STANDALONE)


def _fields() -> Iterator[str]:
    for line in outline(MeshConfig):
        yield text_of(line, ("not supported yet",) if _refused(line.path) else ())


def _refused(path: str) -> bool:
    """Whether Weft says of a field inside of another that it is not supported."""
    outer, _, inner = path.partition(".")
    if not inner or "." in inner:
        return False
    ref = Ref("ConfigMap", MeshSettings().root_namespace, CONFIG_MAP)
    decoded = decode_mesh_config(f"{outer}: {{{inner}: [P-256]}}\n", ref)
    if decoded.issues:
        decoded = decode_mesh_config(f"{outer}: {{{inner}: {{mode: SIMPLE}}}}\n", ref)
    found = (*decoded.issues, *mesh_settings(decoded.config, ref)[1])
    return any(issue.code == codes.UNSUPPORTED for issue in found)
