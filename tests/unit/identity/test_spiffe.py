"""SPIFFE ids are read and written by the standard's rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.identity.spiffe import SpiffeError, SpiffeId, check_trust_domain, parse_spiffe_id, workload_id

SEGMENT = st.from_regex(r"[a-zA-Z0-9._-]{1,20}", fullmatch=True).filter(lambda text: text not in (".", ".."))


@given(domain=st.from_regex(r"[a-z0-9._-]{1,50}", fullmatch=True), segments=st.lists(SEGMENT, max_size=5))
def test_what_is_written_is_read_back(domain: str, segments: list[str]) -> None:
    made = SpiffeId(domain, "".join(f"/{segment}" for segment in segments))
    assert parse_spiffe_id(str(made)) == made


def test_a_workload_s_id_tells_namespace_and_account() -> None:
    made = workload_id("cluster.local", "shop", "web")
    assert str(made) == "spiffe://cluster.local/ns/shop/sa/web"
    assert made.workload == ("shop", "web")
    assert parse_spiffe_id("spiffe://td/a/b").workload is None


def test_the_scheme_may_be_of_any_case() -> None:
    assert str(parse_spiffe_id("SPIFFE://td/x")) == "spiffe://td/x"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "http://td/x",
        "spiffe:/td/x",
        "spiffe://",
        "spiffe:///x",
        "spiffe://TD/x",
        "spiffe://td:80/x",
        "spiffe://user@td/x",
        "spiffe://td/",
        "spiffe://td/x/",
        "spiffe://td//x",
        "spiffe://td/./x",
        "spiffe://td/../x",
        "spiffe://td/x?q",
        "spiffe://td/x#f",
        "spiffe://td/a%20b",
        "spiffe://td/ä",
        "spiffe://td/x\n",
        "spiffe://td\n/x",
        "spiffe://td/" + "a" * 2048,
        "spiffe://" + "a" * 256 + "/x",
    ],
)
def test_other_texts_are_no_ids(text: str) -> None:
    with pytest.raises(SpiffeError):
        parse_spiffe_id(text)


@pytest.mark.parametrize(("namespace", "account"), [("", "a"), ("a", ""), ("a/b", "c"), ("a", "b/sa/c"), ("..", "a")])
def test_names_can_t_reach_another_identity(namespace: str, account: str) -> None:
    with pytest.raises(SpiffeError):
        workload_id("td", namespace, account)


def test_a_trust_domain_is_checked() -> None:
    assert check_trust_domain("mesh.example_1-a") == "mesh.example_1-a"
    with pytest.raises(SpiffeError, match="lower-case"):
        check_trust_domain("Mesh")
