"""Metrics as text, as Prometheus reads it.

Source: "Exposition formats" in Prometheus' documentation, the text format 0.0.4. prometheus-client's own writer adds
`_total` to the name of each counter; most of istiod's have none.
"""

import time
from collections.abc import Callable, Iterator
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric as Family
from prometheus_client.core import Sample

from weft.telemetry.instruments import written

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_FRESH: Final = 1.0
"""Seconds that a text is good for: what scraping costs does not depend on how many do."""


class Exposition:
    """The metrics of a registry as text; `clock` gives seconds that never go back."""

    def __init__(self, registry: CollectorRegistry, clock: Callable[[], float] = time.monotonic) -> None:
        self._registry = registry
        self._clock = clock
        self._made = float("-inf")
        self._text = b""

    def text(self) -> bytes:
        """All metrics, as they were a second ago at most."""
        now = self._clock()
        if now - self._made >= _FRESH:
            self._text = expose(self._registry)
            self._made = now
        return self._text


def expose(registry: CollectorRegistry) -> bytes:
    """All metrics of a registry as they are now."""
    return "".join(line for family in registry.collect() for line in _lines(family)).encode()


def _lines(family: Family) -> Iterator[str]:
    name = _name(family)
    yield f"# HELP {name} {_escaped(family.documentation)}\n"
    yield f"# TYPE {name} {family.type}\n"
    for sample in family.samples:
        yield f"{sample.name}{_labels(sample)} {written(sample.value)}\n"


def _name(family: Family) -> str:
    """The name that the samples have: prometheus-client's own counters are called without their `_total`."""
    total = f"{family.name}_total"
    return total if any(sample.name == total for sample in family.samples) else family.name


def _labels(sample: Sample) -> str:
    if not sample.labels:
        return ""
    pairs = (f'{name}="{_escaped(value).replace(chr(34), chr(92) + chr(34))}"' for name, value in sample.labels.items())
    return f"{{{','.join(pairs)}}}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")
