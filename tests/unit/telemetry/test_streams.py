"""What streams and pushes tell is counted under the right type."""

from prometheus_client import CollectorRegistry
from tests.unit.telemetry.test_exposition import read

from weft.telemetry.streams import StreamMetrics

CDS = "type.googleapis.com/cluster"


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def made(clock: Clock) -> tuple[StreamMetrics, CollectorRegistry]:
    registry = CollectorRegistry(auto_describe=False)
    return StreamMetrics(registry, {CDS: "CDS"}, clock), registry


def test_a_response_counts_once_with_its_size_and_times() -> None:
    streams, registry = made(Clock())
    streams.sent(CDS, 500, 0.2, 0.1)
    found = read(registry)
    assert found["pilot_xds_pushes", (("type", "cds"),)] == 1
    assert found["pilot_xds_config_size_bytes_sum", (("type", "cds"),)] == 500
    assert found["pilot_xds_config_size_bytes_bucket", (("type", "cds"), ("le", "1.0"))] == 0
    assert found["pilot_xds_push_time_sum", (("type", "cds"),)] == 0.2 + 0.1
    assert found["pilot_xds_send_time_sum", ()] == 0.1


def test_types_that_a_client_makes_up_share_one_label() -> None:
    streams, registry = made(Clock())
    for number in range(1_000):
        streams.expired(f"made-up-{number}")
        streams.sent(f"made-up-{number}", 1, 0, 0)
    found = read(registry)
    assert found["pilot_xds_expired_nonce", (("type", "other"),)] == 1_000
    assert {dict(labels).get("type") for _, labels in found} == {None, "cds", "other"}


def test_what_is_told_in_a_push_has_changed_when_the_push_says() -> None:
    clock = Clock()
    streams, registry = made(clock)
    streams.started(99.5)
    clock.now += 10
    with streams.telling(99.5):
        assert streams.change_time() == 99.5
    assert streams.change_time() == 110.0
    assert read(registry)["pilot_debounce_time_sum", ()] == 0.5
