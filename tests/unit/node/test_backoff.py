"""weft.node.backoff: restarts wait as the kubelet's do."""

from itertools import islice

from weft.node.backoff import after_end, retry_pauses
from weft.node.settings import Backoff


def test_restarts_wait_as_in_kubernetes() -> None:
    waits, delay = [], 0.0
    for _ in range(8):
        wait, delay = after_end(delay, ran=1, policy=Backoff())
        waits.append(wait)
    assert waits == [0, 10, 20, 40, 80, 160, 300, 300]


def test_a_long_run_is_forgiven() -> None:
    assert after_end(300, ran=599, policy=Backoff()) == (300, 300)
    assert after_end(300, ran=600, policy=Backoff()) == (0, 10)


def test_pauses_grow_to_their_limit() -> None:
    pauses = list(islice(retry_pauses(1, 8), 6))
    for pause, most in zip(pauses, [1, 2, 4, 8, 8, 8], strict=True):
        assert 0.75 * most <= pause <= most
