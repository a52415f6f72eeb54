"""The example that the demo runs: a copy of its objects, for the user to change while they are in force.

The services' programs are not copied: no pod sees the state folder. The copy names the folder that they are in.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Final

import yaml

GATEWAY_PORT: Final = 8080
"""The port of the machine that the gateway of the example listens on, as its files say."""

_ANY: Final = "*"
_GATEWAYS: Final = "bookshop-ingress"
_PORTS: Final = {
    "Gateway": (("spec", "servers", _ANY, "port", "number"),),
    "Service": (("spec", "ports", _ANY, "port"), ("spec", "ports", _ANY, "targetPort")),
    "Deployment": (("spec", "template", "spec", "containers", _ANY, "ports", _ANY, "containerPort"),),
}
"""Where each kind of object names the gateway's port; Services and Deployments only in the gateway's namespace."""

_IMAGES: Final = ("spec", "images", _ANY)

Edit = tuple[int, int, str]


def packaged_example() -> Path:
    """The folder of the example in the installed package."""
    return Path(str(files("weft"))) / "examples" / "bookshop"


def copy_example(source: Path, target: Path, port: int) -> None:
    """Copies an example's objects, with another port of its gateway. Raises OSError."""
    for path in (*sorted(source.glob("*.yaml")), *sorted(source.glob("more/*.yaml"))):
        copy = target / path.relative_to(source)
        copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        copy.write_text(adjusted(path.read_text(), port=port, folder=source))
    if (source / "README.md").exists():
        shutil.copyfile(source / "README.md", target / "README.md")


def adjusted(text: str, *, port: int, folder: Path) -> str:
    """The text of a YAML file with the gateway's port replaced, and relative folders of images made absolute.

    Only these values change; comments stay. A text that is no YAML stays as it is: the mesh will say what is wrong.
    """
    try:
        documents = list(yaml.compose_all(text, yaml.SafeLoader))
    except yaml.YAMLError:
        return text
    edits = sorted(edit for document in documents for edit in _edits(document, port, folder))
    for start, end, value in reversed(edits):
        text = text[:start] + value + text[end:]
    return text


def _edits(document: yaml.Node, port: int, folder: Path) -> Iterator[Edit]:
    kind, namespace = _text(document, ("kind",)), _text(document, ("metadata", "namespace"))
    if kind == "Gateway" or namespace == _GATEWAYS:
        found = (node for path in _PORTS.get(kind, ()) for node in _at(document, path))
        yield from (_edit(node, str(port)) for node in found if node.value == str(GATEWAY_PORT))
    if kind == "Standalone":
        yield from (_edit(node, json.dumps(str((folder / node.value).resolve()))) for node in _at(document, _IMAGES))


def _edit(node: yaml.ScalarNode, value: str) -> Edit:
    return node.start_mark.index, node.end_mark.index, value


def _text(document: yaml.Node, path: tuple[str, ...]) -> str:
    return next((str(node.value) for node in _at(document, path)), "")


def _at(node: yaml.Node, path: tuple[str, ...]) -> Iterator[yaml.ScalarNode]:
    """The scalars at a path of keys; `*` stands for every key, and every item of a list."""
    if not path:
        if isinstance(node, yaml.ScalarNode):
            yield node
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if path[0] in (_ANY, key.value):
                yield from _at(value, path[1:])
    elif isinstance(node, yaml.SequenceNode) and path[0] == _ANY:
        for item in node.value:
            yield from _at(item, path[1:])
