"""The code of Weft as text: what it says in places that can't be asked at run time."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import weft

PACKAGE: Final = Path(weft.__file__).parent
_EXAMPLES: Final = PACKAGE / "examples"


def modules() -> Iterator[tuple[Path, ast.Module]]:
    """All modules but the examples, sorted."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if _EXAMPLES not in path.parents:
            yield path, ast.parse(path.read_text())


def documented_constants(tree: ast.Module) -> Iterator[tuple[str, str, str]]:
    """Name, text and documentation of constants that are texts and have one below them."""
    for statement, below in zip(tree.body, tree.body[1:], strict=False):
        match statement, below:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(text)))
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.Constant(value=str(text))),
                ast.Expr(value=ast.Constant(value=str(documentation))),
            ):
                yield name, text, documentation


def docstrings(tree: ast.Module) -> Iterator[str]:
    """The documentation of all functions and classes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            text = ast.get_docstring(node)
            if text:
                yield text


def texts(pattern: str) -> set[str]:
    """All texts in the code that are as the pattern says, documentation left out."""
    wanted = re.compile(pattern)
    found = (node.value for _, tree in modules() for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return {text for text in found if isinstance(text, str) and wanted.fullmatch(text)}
