"""Build hook: writes the protobuf descriptors that weft.base.protobuf loads at run time.

The Envoy API comes from the package xds-protos, whose generated modules carry serialized descriptors. They are parsed,
not imported, and xds-protos is no dependency of Weft at run time: its wheel overwrites files of other packages
(google/, opentelemetry/, cel/). Weft's own files under proto/ are compiled and join the same set.
"""

import ast
import fnmatch
import importlib.metadata
import importlib.resources
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from grpc_tools import protoc
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

OUTPUT = "src/weft/base/descriptors.binpb"

# The whole of Envoy's v3 API, because EnvoyFilter lets users name any of it; what it imports follows by itself.
ROOTS = (
    "envoy/*/v3/*.proto",
    "google/protobuf/*.proto",
    "google/rpc/*.proto",
    "opentelemetry/proto/*.proto",
    "xds/*.proto",
)


class DescriptorHook(BuildHookInterface):  # type: ignore[type-arg]
    """Generates the descriptor set before a wheel (editable ones too) is put together."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Writes OUTPUT below the project root. A source distribution carries the .proto files instead."""
        if self.target_name != "sdist":
            root = Path(self.root)
            (root / OUTPUT).write_bytes(descriptor_set(root / "proto").SerializeToString(deterministic=True))


def descriptor_set(own_protos: Path) -> FileDescriptorSet:
    """Returns the files named by ROOTS, those in the folder `own_protos`, and all that they import, imports first."""
    known = {**_modules("protobuf"), **_modules("xds-protos")}
    own = {file.name: file for file in _compile(own_protos)}
    roots = sorted({name for pattern in ROOTS for name in _matching(known, pattern)} | set(own))
    return FileDescriptorSet(file=_closure(roots, known=known, own=own))


def _modules(distribution: str) -> dict[str, Path]:
    """Maps the name of each .proto file in an installed package to the module generated from it."""
    suffix = "_pb2.py"
    files = importlib.metadata.files(distribution) or []
    return {str(f).removesuffix(suffix) + ".proto": Path(str(f.locate())) for f in files if str(f).endswith(suffix)}


def _matching(names: Iterable[str], pattern: str) -> list[str]:
    found = fnmatch.filter(names, pattern)
    if not found:
        raise LookupError(f"no installed .proto file matches {pattern!r}: is xds-protos installed and complete?")
    return found


def _closure(
    roots: Iterable[str], *, known: dict[str, Path], own: dict[str, FileDescriptorProto]
) -> Iterator[FileDescriptorProto]:
    seen: set[str] = set()

    def visit(name: str) -> Iterator[FileDescriptorProto]:
        if name in seen:
            return
        seen.add(name)
        file = own[name] if name in own else _read(known[name])
        for imported in file.dependency:
            yield from visit(imported)
        yield file

    for root in roots:
        yield from visit(root)


def _read(module: Path) -> FileDescriptorProto:
    """Returns the descriptor embedded in a generated module as the argument of AddSerializedFile."""
    for node in ast.walk(ast.parse(module.read_bytes())):
        match node:
            case ast.Call(func=ast.Attribute(attr="AddSerializedFile"), args=[ast.Constant(value=bytes(data))]):
                return FileDescriptorProto.FromString(data)
    raise LookupError(f"{module} embeds no file descriptor")


def _compile(folder: Path) -> list[FileDescriptorProto]:
    """Compiles every .proto file below `folder`, without comments and without what they import."""
    sources = sorted(str(path) for path in folder.rglob("*.proto"))
    bundled = importlib.resources.files("grpc_tools") / "_proto"
    with importlib.resources.as_file(bundled) as wellknown, tempfile.NamedTemporaryFile() as output:
        arguments = [f"--proto_path={folder}", f"--proto_path={wellknown}", f"--descriptor_set_out={output.name}"]
        if protoc.main(["protoc", *arguments, *sources]) != 0:
            raise RuntimeError(f"the .proto files in {folder} do not compile; protoc's messages are above")
        return list(FileDescriptorSet.FromString(Path(output.name).read_bytes()).file)
