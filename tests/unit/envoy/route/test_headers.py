"""Edits of headers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.envoy.route.headers import header_value, request_edits, response_edits
from weft.ir.values import Transform


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("100%", "100%%"),
        ("100%%", "100%%"),
        ("%DOWNSTREAM_REMOTE_ADDRESS%", "%DOWNSTREAM_REMOTE_ADDRESS%"),
        ("a %REQ(x-id)% b", "a %REQ(x-id)% b"),
        ("%REQ(:authority?host):20%", "%REQ(:authority?host):20%"),
        ("%UNKNOWN%", "%%UNKNOWN%%"),
        ("%REQ(a b)%", "%%REQ(a b)%%"),
        ("50% of %PROTOCOL%", "50%% of %PROTOCOL%"),
    ],
)
def test_only_commands_that_envoy_knows_stay_commands(text: str, expected: str) -> None:
    """One that it does not know would make it refuse the table of all hosts."""
    assert header_value(text) == expected


@given(st.text(alphabet="%AREQ()x ", max_size=12))
def test_a_value_is_stable_once_it_is_safe(text: str) -> None:
    assert header_value(header_value(text)) == header_value(text)


def test_set_replaces_and_add_appends() -> None:
    edits = request_edits(Transform(set=(("a", "1"),), add=(("b", "2"),), remove=("c",)))
    added = [(each["header"]["key"], each["append_action"]) for each in edits["request_headers_to_add"]]
    assert added == [("a", "OVERWRITE_IF_EXISTS_OR_ADD"), ("b", "APPEND_IF_EXISTS_OR_ADD")]
    assert edits["request_headers_to_remove"] == ["c"]


def test_responses_have_fields_of_their_own() -> None:
    assert set(response_edits(Transform(remove=("c",)))) == {"response_headers_to_add", "response_headers_to_remove"}
    assert response_edits(None) == {}
