"""Issues are told when they come, and when they have gone."""

from weft.apps.demo.news import news
from weft.base.issues import Issue, LocatedIssue, Position, Ref

ISSUE = LocatedIssue(
    Issue("WEFT0203", "error", Ref("Gateway.networking.istio.io", "bookshop", "bookshop"), "spec.servers", "no port"),
    Position("/state/bookshop/20-traffic.yaml", 10),
)


def test_an_issue_is_told_once_with_file_and_line_and_again_when_it_is_solved() -> None:
    (came,) = news(set(), {ISSUE})
    assert came.startswith("error: /state/bookshop/20-traffic.yaml:10")
    assert "no port" in came
    assert news({ISSUE}, {ISSUE}) == []
    (went,) = news({ISSUE}, set())
    assert went.startswith("solved: /state/bookshop/20-traffic.yaml:10")
