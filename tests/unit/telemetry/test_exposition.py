"""What is counted is what Prometheus reads, under the names that are declared."""

from collections.abc import Iterable

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from weft.telemetry.exposition import Exposition, expose
from weft.telemetry.instruments import Asked, Counter, Histogram, new_registry, one
from weft.telemetry.metrics import METRICS, Metric

COUNTER = Metric("pilot_things", "counter", "Things.", ("type",))
HISTOGRAM = Metric("pilot_time", "histogram", "Seconds.", bounds=(0.5, 1.0))


def read(registry: CollectorRegistry) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """All samples as a reader sees them. prometheus-client's own makes `x_total` of each counter `x`."""
    text = expose(registry).decode()

    def name(said: str) -> str:
        return said if f"# TYPE {said} " in text else said.removesuffix("_total")

    families = text_string_to_metric_families(text)
    return {(name(s.name), tuple(s.labels.items())): s.value for family in families for s in family.samples}


def registry_of(*collectors: Counter | Histogram | Asked) -> CollectorRegistry:
    registry = CollectorRegistry(auto_describe=False)
    for each in collectors:
        registry.register(each)
    return registry


def test_a_counter_keeps_its_name_and_is_declared_as_one() -> None:
    counter = Counter(COUNTER)
    counter.add("cds")
    counter.add("cds")
    registry = registry_of(counter)
    assert read(registry) == {("pilot_things", (("type", "cds"),)): 2.0}
    assert b"# TYPE pilot_things counter\n" in expose(registry)


def test_a_counter_without_labels_is_there_before_anything_happened() -> None:
    assert read(registry_of(Counter(Metric("errors", "counter", "Errors.")))) == {("errors", ()): 0.0}


def test_buckets_of_a_histogram_add_up_and_take_their_upper_bound_in() -> None:
    histogram = Histogram(HISTOGRAM)
    for value in (0.1, 0.5, 0.7, 1.0, 9.0):
        histogram.of().observe(value)
    assert read(registry_of(histogram)) == {
        ("pilot_time_bucket", (("le", "0.5"),)): 2.0,
        ("pilot_time_bucket", (("le", "1.0"),)): 4.0,
        ("pilot_time_bucket", (("le", "+Inf"),)): 5.0,
        ("pilot_time_sum", ()): pytest.approx(11.3),
        ("pilot_time_count", ()): 5.0,
    }


@pytest.mark.parametrize("value", ['a"b', "a\\b", "a\nb", "a\\nb", "ä"])
def test_no_label_breaks_out_of_its_quotes(value: str) -> None:
    asked = Asked(COUNTER, lambda: [((value,), 1.0)])
    assert read(registry_of(asked)) == {("pilot_things", (("type", value),)): 1.0}


def test_values_are_looked_up_at_a_scrape_and_kept_for_a_second_only() -> None:
    answers, now = iter((1.0, 2.0)), [100.0]
    exposition = Exposition(registry_of(Asked(Metric("g", "gauge", "G."), one(lambda: next(answers)))), lambda: now[0])
    first = exposition.text()
    now[0] += 0.9
    assert exposition.text() == first
    now[0] += 0.2
    assert b"g 2.0\n" in exposition.text()


def test_the_process_tells_its_time_and_memory() -> None:
    registry = new_registry()
    names = {name for name, _ in read(registry)}
    assert {"process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds"} <= names
    assert b"# TYPE process_cpu_seconds_total counter\n" in expose(registry)


def test_declared_names_and_bounds_are_in_order() -> None:
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    for metric in METRICS:
        assert ascending(metric.bounds)
        assert bool(metric.bounds) == (metric.kind == "histogram")


def ascending(values: Iterable[float]) -> bool:
    listed = list(values)
    return listed == sorted(set(listed))
