"""What Weft says of each field of a kind, asked of Weft itself."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final

from msgspec import Struct

from tools.reference.samples import BASES, Sample, merged, samples
from weft.apps.pipeline import Pipeline, all_kinds
from weft.base.issues import Issue
from weft.model import codes
from weft.model.decode import Decoder
from weft.model.kubernetes import Deployment, Job, PodSpec
from weft.model.objects import Kind, Object
from weft.sources.local.checks import warnings

_NOT_DONE: Final = frozenset(
    {
        codes.UNSUPPORTED,
        codes.NO_TOKENS,
        codes.NO_PROVIDER,
        codes.NO_IMPACT,
        codes.CONDITION_NOT_JUDGED,
        codes.DEPRECATED,
    }
)
_INDEX: Final = re.compile(r"\[\d+\]")


class Note(Struct, frozen=True):
    """What is said of a field: about which of its values (empty: all), what happens, and the way out."""

    values: tuple[str, ...]
    effect: str
    advice: str
    deprecated: bool = False


def notes(kind: Kind) -> dict[str, list[Note]]:
    """What is said of fields, by their paths in the outline's form; of the kind as a whole under the path ``."""
    prefix = "spec" if kind.body == "spec" else ""
    base = BASES.get(kind.name, {})
    weft = _Weft(kind)
    always = set(weft.issues(base))
    found: dict[str, list[Note]] = defaultdict(list)
    found[""] = [Note((), issue.message, issue.advice) for issue in always if issue.code in _NOT_DONE]
    told: dict[tuple[str, str], dict[Issue, list[str]]] = defaultdict(lambda: defaultdict(list))
    tried: dict[str, set[str]] = defaultdict(set)
    for sample in samples(kind.name, kind.spec, prefix):
        tried[sample.path].add(_typed(sample))
        for issue in weft.issues(merged(base, sample.spec)):
            if issue.code in _NOT_DONE and issue not in always:
                path = _path(issue, sample)
                told[path, issue.message][issue] += [_typed(sample)] if path == sample.path else tried[path]
    for (path, _), issues in told.items():
        values = {value for each in issues.values() for value in each}
        clearest = max(issues, key=lambda issue: (issue.effect == issue.effect.strip(), -len(issue.effect)))
        found[path].append(_note(clearest, () if values >= tried[path] else tuple(sorted(filter(None, values)))))
    return {path: each for path, each in found.items() if each}


class _Weft:
    """Reads objects of one kind as the controller does."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self._decoder = Decoder(all_kinds())
        self._pipeline = Pipeline()

    def issues(self, spec: dict[str, Any]) -> Iterator[Issue]:
        """What is found in an object with these fields; nothing if it can't be read."""
        kind = self._kind
        version = f"{kind.group}/{kind.versions[0]}" if kind.group else kind.versions[0]
        metadata = {"name": "a", **({"namespace": "a"} if kind.namespaced else {})}
        body = {"spec": spec} if kind.body == "spec" else spec
        found = self._decoder.decode({"apiVersion": version, "kind": kind.name, "metadata": metadata, **body}).value
        if not isinstance(found, Object):
            return
        self._pipeline.objects.set(found.ref, found)
        yield from self._pipeline.fragments.issues()
        if isinstance(found.spec, Deployment | Job | PodSpec):
            yield from warnings(found)


def _path(issue: Issue, sample: Sample) -> str:
    """The field that an issue is about: its own if it names one, else the one that was set."""
    path = _INDEX.sub("[]", issue.path)
    field = re.split(r"[.\[]", path)[-1]
    names_field = issue.message.startswith(f"{field} ")
    is_inside = sample.path == path or sample.path.startswith((f"{path}.", f"{path}["))
    return path if names_field and is_inside else sample.path


def _typed(sample: Sample) -> str:
    """The value as its author types it; empty for one that is no text by itself."""
    value = sample.value
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else ""


def _note(issue: Issue, values: tuple[str, ...]) -> Note:
    deprecated = issue.code == codes.DEPRECATED
    effect = issue.effect or ("" if deprecated else issue.message)
    return Note(values, effect, issue.advice, deprecated)
