"""Retries as Istio's."""

from typing import Any

import pytest

from weft.base import protobuf
from weft.envoy.route.retry import retry_policy
from weft.ir.routing import Retry
from weft.ir.settings import DEFAULT_RETRY


def _built(retry: Retry | None, backend_timeout: int | None = None) -> Any:
    fields = retry_policy(retry, backend_timeout)
    assert fields is not None
    return protobuf.to_dict(protobuf.new("envoy.config.route.v3.RetryPolicy", **fields))


def test_the_default() -> None:
    built = _built(DEFAULT_RETRY)
    assert built["retryOn"] == "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes"
    assert "retriableStatusCodes" not in built  # a 503 may be an answer to what was carried out
    assert built["numRetries"] == 2
    assert built["hostSelectionRetryMaxAttempts"] == "5"
    assert built["retryHostPredicate"][0]["name"] == "envoy.retry_host_predicates.previous_hosts"


@pytest.mark.parametrize("retry", [None, Retry(attempts=0)])
def test_none_and_an_explicit_off(retry: Retry | None) -> None:
    assert retry_policy(retry, None) is None


def test_stated_codes_need_no_condition() -> None:
    built = _built(Retry(attempts=1, on=("reset", "502", "504")))
    assert built["retryOn"] == "reset,retriable-status-codes"
    assert built["retriableStatusCodes"] == [502, 504]


def test_conditions_without_codes_have_none() -> None:
    assert "retriableStatusCodes" not in _built(Retry(attempts=1, on=("reset",)))


def test_the_same_endpoint_may_be_tried_again() -> None:
    built = _built(Retry(attempts=1, on=("reset",), other_host=False))
    assert "retryHostPredicate" not in built
    assert "hostSelectionRetryMaxAttempts" not in built


def test_another_locality() -> None:
    built = _built(Retry(attempts=1, on=("reset",), other_locality=True))
    assert built["retryPriority"]["name"] == "envoy.retry_priorities.previous_priorities"


def test_times() -> None:
    built = _built(Retry(attempts=1, on=("reset",), per_try=500, backoff=(25, 250)), 9_000)
    assert built["perTryTimeout"] == "0.500s"
    assert built["retryBackOff"] == {"baseInterval": "0.025s", "maxInterval": "0.250s"}


def test_a_backends_timeout_limits_each_try_also_a_single_one() -> None:
    assert _built(Retry(attempts=1, on=("reset",)), 9_000)["perTryTimeout"] == "9s"
    assert _built(None, 9_000) == {"numRetries": 0, "perTryTimeout": "9s"}
