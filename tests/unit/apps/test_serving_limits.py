"""The environment sets limits; what is no number is refused by name."""

import pytest

from weft.apps.serving_limits import VARIABLES, LimitError, ServingLimits, serving_limits


def test_without_variables_the_defaults_hold() -> None:
    assert serving_limits({"OTHER": "1"}) == ServingLimits()


def test_each_variable_sets_its_limit() -> None:
    found = serving_limits({variable.name: str(number) for number, variable in enumerate(VARIABLES, 1)})
    assert (found.pushes.endpoints, found.pushes.everything, found.pushes.longest) == (1, 2, 3)
    assert (found.server.entry.rate, found.server.entry.handshakes, found.server.entry.connections) == (4, 5, 6)
    assert (found.streams.streams, found.streams.streams_of_pod) == (7, 8)


@pytest.mark.parametrize("text", ["many", "-1", "nan", "inf", "0"])
def test_what_is_no_limit_is_refused(text: str) -> None:
    with pytest.raises(LimitError, match="WEFT_STREAMS must be a number, 1 or more"):
        serving_limits({"WEFT_STREAMS": text})
