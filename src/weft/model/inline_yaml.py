"""YAML inside of objects: texts of ConfigMaps and annotations, with bounds."""

from typing import Any, Final

import yaml

from weft.model import schema

LONGEST_TEXT: Final = 256 * 1024
DEEPEST: Final = 32
"""Limits of a text: characters, and how deep its values nest. Istio's APIs need about 8."""


def parse_fields(text: str) -> dict[str, Any]:
    """The fields of a YAML text; raises ValueError with the reason. Anchors are refused: they can blow up a text."""
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"the text is {len(text):,} characters long, more than {LONGEST_TEXT:,}")
    try:
        _check_events(text)
        body = yaml.load(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise ValueError(f"this is no YAML: {_reason(error)}") from None
    if body is None:
        return {}
    if not isinstance(body, dict) or not all(isinstance(key, str) for key in body):
        raise ValueError(f"expected fields, got {schema.describe(body)}")
    return body


def _check_events(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, yaml.AliasEvent):
            raise ValueError(f"line {line}: references (*{event.anchor}) are not read")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise ValueError(f"line {line}: values nest more than {DEEPEST} deep")


def _reason(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or "a character that YAML does not allow"
    return f"line {mark.line + 1}: {problem}" if mark is not None else str(problem)
