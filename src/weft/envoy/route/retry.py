"""When a failed request is tried again."""

from functools import lru_cache
from typing import Any, Final

from weft.base import protobuf
from weft.base.durations import Milliseconds
from weft.envoy.messages import milliseconds, wrapped
from weft.ir.routing import Retry

_BY_STATUS: Final = "retriable-status-codes"
_HOST_ATTEMPTS: Final = 5  # Istio: how often another endpoint is looked for
_PRIORITY_ATTEMPTS: Final = 2  # Istio: how many tries go to one priority


@lru_cache(maxsize=256)  # nearly all routes have the same one
def retry_policy(retry: Retry | None, backend_timeout: Milliseconds | None) -> dict[str, Any] | None:
    """Returns the RetryPolicy; None for a single try without a limit of its own.

    `backend_timeout` limits every try where the retry itself does not. Without stated codes no status is tried again:
    a 503 may be an answer to a request that was carried out (Istio, as of 1.24).
    """
    if retry is None or retry.attempts == 0:
        return None if backend_timeout is None else _single_try(backend_timeout)
    codes = [int(condition) for condition in retry.on if condition.isdigit()]
    conditions = [condition for condition in retry.on if not condition.isdigit()]
    if codes and _BY_STATUS not in conditions:
        conditions.append(_BY_STATUS)
    return {
        "retry_on": ",".join(conditions),
        "num_retries": wrapped(retry.attempts),
        "retriable_status_codes": codes,
        "per_try_timeout": milliseconds(retry.per_try or backend_timeout),
        "retry_back_off": _back_off(retry),
        **({} if retry.other_host is False else _other_host()),
        **(_other_locality() if retry.other_locality else {}),
    }


def _single_try(timeout: Milliseconds) -> dict[str, Any]:
    return {"num_retries": wrapped(0), "per_try_timeout": milliseconds(timeout)}


def _back_off(retry: Retry) -> dict[str, Any] | None:
    if retry.backoff is None:
        return None
    base, most = retry.backoff
    return {"base_interval": milliseconds(base), "max_interval": milliseconds(most)}


def _other_host() -> dict[str, Any]:
    name = "previous_hosts"
    predicate = protobuf.new(f"envoy.extensions.retry.host.{name}.v3.PreviousHostsPredicate")
    return {
        "retry_host_predicate": [
            {"name": f"envoy.retry_host_predicates.{name}", "typed_config": protobuf.pack(predicate)}
        ],
        "host_selection_retry_max_attempts": _HOST_ATTEMPTS,
    }


def _other_locality() -> dict[str, Any]:
    name = "previous_priorities"
    config = protobuf.new(
        f"envoy.extensions.retry.priority.{name}.v3.PreviousPrioritiesConfig", update_frequency=_PRIORITY_ATTEMPTS
    )
    return {"retry_priority": {"name": f"envoy.retry_priorities.{name}", "typed_config": protobuf.pack(config)}}
