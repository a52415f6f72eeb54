"""The controller's metrics: docs/reference/metrics.md."""

from collections.abc import Iterable
from typing import Final

from tools.reference.markdown import code, sections, table
from weft.telemetry.metrics import METRICS, Metric

_INTRODUCTION: Final = """\
# Metrics

What the controller tells at `/metrics` of [its monitoring port](../operations/monitoring.md). `process_*` and
`python_gc_*` are there besides: what prometheus-client says of every process."""

_ISTIOD: Final = """\
Names and labels are those of istiod, whose dashboards and alerts go on with them. Histograms have istiod's bounds, and
finer ones below."""

_OURS: Final = "istiod has nothing of the same meaning."

_PREFIXES: Final = ("pilot_", "citadel_")


def metrics_page() -> str:
    """The page."""
    theirs = [each for each in METRICS if each.name.startswith(_PREFIXES)]
    ours = [each for each in METRICS if each not in theirs]
    return sections(_INTRODUCTION, "## As istiod's", _ISTIOD, _table(theirs), "## Weft's own", _OURS, _table(ours))


def _table(metrics: Iterable[Metric]) -> str:
    rows = ((code(each.name), each.kind, ", ".join(map(code, each.labels)), each.text) for each in metrics)
    return table(("metric", "kind", "labels", "what it says"), rows)
